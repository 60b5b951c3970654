/** What of ours the kernel holds, read back from nft(8). */
import { CURRENT_CHAIN } from "../chains/generation-chains.ts";
import { guardedDevice, GUARD_TABLE, OUR_TABLES, TABLE } from "../kernel-names.ts";
import type { KernelState, PresentChain } from "../render-nft.ts";
import type { EnforcementMode } from "../ruleset.ts";
import { runTool, type Tool, type ToolRun } from "./run-tool.ts";

/** nft(8) may have to read sets that are completely full, on a busy machine; no caller waits for it yet. */
export const AT_START = { timeoutMs: 30_000 } as const;

/** A ruleset that an earlier sidecar has left in force. */
export interface RulesetInForce {
  readonly mode: EnforcementMode;
  /** The generation of accepted flows; `undefined` in `dns` mode, which has none. */
  readonly generation: number | undefined;
  readonly guardedInterfaces: readonly string[];
}

/**
 * Which of our chains are there, and so which tables: ours are never without chains. It takes about 5 ms,
 * whatever the sets hold. But nft(8) starts over each time that the rules or sets change meanwhile: under a
 * flood of learned addresses it may take seconds. Throws KernelError.
 */
export async function readKernelState(
  nft: Tool = ["nft"],
  limits: Pick<ToolRun, "signal" | "timeoutMs"> = {},
): Promise<KernelState> {
  const listing = await runTool(nft, ["-j", "list", "chains"], limits);
  const chains = readObjects(listing, "chain").flatMap(readChain);
  const tables = OUR_TABLES.filter(({ family, name }) =>
    chains.some((chain) => chain.family === family && chain.table === name),
  );
  return { tables, chains };
}

/** For taking over on a restart; `undefined` if there is no whole ruleset of ours. Throws KernelError. */
export async function readRulesetInForce(nft: Tool = ["nft"]): Promise<RulesetInForce | undefined> {
  const { chains } = await readKernelState(nft, AT_START);
  const names = new Set(chains.filter(({ table }) => table === TABLE).map(({ name }) => name));
  if (!names.has("nat_output")) return undefined;
  const guardedInterfaces = chains
    .filter(({ table }) => table === GUARD_TABLE)
    .flatMap(({ name }) => guardedDevice(name) ?? []);
  if (!names.has("egress")) {
    return names.has("own") ? { mode: "dns", generation: undefined, guardedInterfaces } : undefined;
  }
  if (!names.has(CURRENT_CHAIN)) return undefined;
  const listing = await runTool(nft, ["-j", "list", "chain", "inet", TABLE, CURRENT_CHAIN], AT_START);
  const generation = findGeneration(JSON.parse(listing));
  return generation === undefined ? undefined : { mode: "dns+nft", generation, guardedInterfaces };
}

/** nft's JSON is an array of objects with one key each, the kind (libnftables-json(5)). */
function readObjects(json: string, kind: string): readonly Record<string, unknown>[] {
  const document: unknown = JSON.parse(json);
  const listed = isRecord(document) ? document["nftables"] : undefined;
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((item: unknown) => {
    const found = isRecord(item) ? item[kind] : undefined;
    return isRecord(found) ? [found] : [];
  });
}

function readChain(chain: Record<string, unknown>): readonly PresentChain[] {
  const table = OUR_TABLES.find(({ family, name }) => chain["family"] === family && chain["table"] === name);
  const { name, type, hook, prio } = chain;
  if (table === undefined || typeof name !== "string") return [];
  const isBase = typeof type === "string" && typeof hook === "string" && typeof prio === "number";
  return [
    {
      family: table.family,
      table: table.name,
      name,
      hook: isBase ? { type, name: hook, priority: prio } : undefined,
    },
  ];
}

/** The number in `ct state established ct mark N accept`. */
function findGeneration(value: unknown): number | undefined {
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = findGeneration(item);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { match } = value;
  if (isRecord(match) && isCtMark(match["left"]) && typeof match["right"] === "number") return match["right"];
  return findGeneration(Object.values(value));
}

function isCtMark(left: unknown): boolean {
  return isRecord(left) && isRecord(left["ct"]) && left["ct"]["key"] === "mark";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
