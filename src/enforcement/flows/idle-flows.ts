/**
 * Ends idle flows that a change of the policy has denied. Flows in use are cut on their next packet, by their
 * generation; one that waits would stay open, and its reader blocked, so its socket is ended here.
 *
 * It runs beside lookups and behind the answer to the change, costs by the sockets there are, and only runs
 * if the change could deny something. It decides as the kernel's chains do, and in doubt leaves a flow to
 * them.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { SocketCutter } from "../../netfilter/io/socket-cutter.ts";
import type { ProtectionState } from "../../protections/protection.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { decideAddressFlow } from "../../policy/decide-address.ts";
import { flowKindOf, holdsFlow, isNone } from "../../policy/flow-set.ts";
import { findDifferences, type RuleTrie } from "../../policy/rule-trie.ts";
import { keepOpen, type KeptOpen } from "../../sys/kept-open.ts";
import { describe } from "../errors.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { ONLY_LOOKUPS } from "../../protections/protection.ts";
import { octetKey, octetsOf } from "../../tables/octet-key.ts";

/**
 * Between two rounds: each has the kernel go through its whole table of sockets, 4 ms of work, so changes in
 * a row share one.
 */
const REST_MS = 100;

export interface IdleFlowsOptions {
  /** Undefined in mode `dns`, in which no flow is judged. */
  readonly openCutter: (() => SocketCutter) | undefined;
  readonly learned: Pick<LearnedAddresses, "flowsOf" | "isRevoked">;
  /** The policy and the generation that the kernel judges by. */
  readonly policy: () => CompiledPolicy;
  readonly generation: () => number;
  /** Octets of resolvers that the workload may ask directly. */
  readonly exempt: readonly Uint8Array[];
  /** SO_MARK of our own sockets. */
  readonly ownMark: number;
  /** The addresses that this namespace has now. */
  readonly readOwnAddresses: () => readonly string[];
  /** Called with whether denied flows are ended while they are idle. */
  readonly report: (state: ProtectionState) => void;
}

export interface IdleFlows {
  /** Learned addresses have gone: the next change could deny. */
  suspect(): void;
  /** A change is in force: ends what it denies, soon. */
  changed(before: CompiledPolicy, after: CompiledPolicy): void;
  /** Sockets ended since the start. */
  ended(): number;
  /** Settles when no round is under way. */
  idle(): Promise<void>;
  /** Settles when none is, nor will be. */
  close(): Promise<void>;
}

export function createIdleFlows(options: IdleFlowsOptions): IdleFlows {
  const exempt = new Set(options.exempt.map(keyOf));
  const cutter = options.openCutter && keepOpen(options.openCutter);
  let ended = 0;
  // What an earlier process let out under another policy may be there at the start.
  let isSuspect = true;
  let isWanted = false;
  let underWay: Promise<void> | undefined;
  let restUntilMs = 0;

  function isDenied(address: Uint8Array, protocol: number, port: number): boolean {
    const policy = options.policy();
    const flow = flowKindOf(address.length, protocol, port);
    const { action, rule } = decideAddressFlow(policy, address, flow);
    if (rule !== undefined && action === "deny") return true;
    if (rule !== undefined || exempt.has(keyOf(address))) return false;
    const learned = options.learned.flowsOf(address);
    if (holdsFlow(learned, flow)) return false;
    // What the names' rules do not allow of it is refused, whatever the default; audit mode lets it pass.
    if (!isNone(learned) && policy.audits === undefined) return true;
    return policy.fallback.action === "deny" || options.learned.isRevoked(address);
  }

  /** One round at a time; a change during one has another follow. */
  async function run(sockets: KeptOpen<SocketCutter>): Promise<void> {
    while (isWanted) {
      const restMs = restUntilMs - performance.now();
      if (restMs > 0) await delay(restMs);
      isWanted = false;
      options.report(await round(sockets).catch(failed));
      restUntilMs = performance.now() + REST_MS;
    }
    underWay = undefined;
  }

  async function round(sockets: KeptOpen<SocketCutter>): Promise<ProtectionState> {
    const { generation, ownMark } = options;
    const own = new Set(options.readOwnAddresses().flatMap(octetsOf).map(keyOf));
    const isLocal = (address: Uint8Array): boolean =>
      own.has(keyOf(address)) || (address.length === 4 && address[0] === 127);
    ended += await sockets.use(({ cut }) => cut({ isDenied, generation, ownMark, isLocal }));
    return { state: "on" };
  }

  options.report(cutter === undefined ? ONLY_LOOKUPS : findState(cutter));

  return {
    suspect() {
      isSuspect = true;
    },
    changed(before, after) {
      if (cutter === undefined) return;
      if (!isSuspect && !deniesAddresses(before, after)) return;
      isSuspect = false;
      isWanted = true;
      underWay ??= run(cutter);
    },
    ended() {
      return ended;
    },
    idle: async () => underWay,
    async close() {
      await underWay;
      cutter?.close();
    },
  };
}

/** Whether an address could be denied that was not; names deny by the addresses that they take with them. */
export function deniesAddresses(before: CompiledPolicy, after: CompiledPolicy): boolean {
  if (before.fallback.action === "allow" && after.fallback.action === "deny") return true;
  if (!hasSameScoped(before, after)) return true;
  return differs(before.rules.v4, after.rules.v4) || differs(before.rules.v6, after.rules.v6);
}

function hasSameScoped({ scoped: one }: CompiledPolicy, { scoped: other }: CompiledPolicy): boolean {
  return one.length === other.length && one.every((group, at) => group === other[at]);
}

function keyOf(octets: Uint8Array): string {
  return octetKey(octets, 0, octets.length);
}

function differs(one: RuleTrie, other: RuleTrie): boolean {
  return findDifferences(one, other).next().done !== true;
}

/** Whether the kernel would end sockets for us. */
function findState(sockets: KeptOpen<SocketCutter>): ProtectionState {
  try {
    sockets.useAtOnce(({ check }) => check());
    return { state: "on" };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): ProtectionState {
  return { state: "off", reason: `the kernel ended no socket: ${describe(error)}` };
}
