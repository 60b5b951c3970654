/**
 * Ours, the real program. Its lookups are asked at its own port; the kernel's redirect is a row of its own.
 */
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Argv } from "../../../src/netns/command.ts";
import type { OwnedNamespace } from "../../../src/netns/namespace.ts";
import { type Sidecar, startSidecar, WITHOUT_BOUNDS } from "../../support/sidecar.ts";
import type { Bench } from "../bench.ts";
import { ALLOWED_ZONE } from "../load/numbered-names.ts";
import { UPSTREAM } from "../network.ts";
import { UNPINNED } from "../processors.ts";
import type { Subject } from "./subject.ts";

export interface Rule {
  readonly action: "allow" | "deny";
  readonly target: string;
}

export interface OursOptions {
  readonly mode?: "dns" | "dns+nft";
  /** Default `known`, which is the sidecar's own: what rows are measured with that do not say otherwise. */
  readonly wireNames?: "off" | "known" | "strict";
  readonly logLevel?: "info" | "warn" | "error";
  /** Default "0": a line for each lookup, however many. */
  readonly linesPerSecond?: string;
  readonly rules?: readonly Rule[];
  /** On all processors even where the others are pinned to one; default false. */
  readonly isFree?: boolean;
  readonly program?: Argv;
  /** A sandbox made before; default: one is made. Goes with the sidecar. */
  readonly sandbox?: OwnedNamespace;
  /** Default true: gives back the sidecar when it is healthy. */
  readonly awaitHealth?: boolean;
}

export interface Ours extends Subject {
  readonly sidecar: Sidecar;
}

export const ALLOW_ZONE: Rule = { action: "allow", target: `*.${ALLOWED_ZONE}` };
const SERVER = { address: "127.0.0.1", port: 15_353 } as const;
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const BUNDLE = join(ROOT, "dist/egress.mjs");

export const UNBUILT: Argv = [process.execPath, join(ROOT, "src/main.ts"), "serve"];
export const BUNDLED: Argv = [process.execPath, BUNDLE, "serve"];

export async function isBundled(): Promise<boolean> {
  return access(BUNDLE).then(
    () => true,
    () => false,
  );
}

/** Starts it in a sandbox of its own. */
export async function startOurs(bench: Bench, options: OursOptions = {}): Promise<Ours> {
  const { mode = "dns+nft", logLevel = "warn", linesPerSecond = "0", rules = [ALLOW_ZONE] } = options;
  const { isFree = false, wireNames = "known" } = options;
  const processors = isFree ? UNPINNED : bench.processors;
  await using made = new AsyncDisposableStack();
  const namespace = made.use(options.sandbox ?? (await bench.network.addSandbox("ours")));
  const stateFolder = await mkdtemp(join(bench.folder, "ours-"));
  made.defer(() => rm(stateFolder, { recursive: true, force: true }));
  await mkdir(join(stateFolder, "rules"));
  // Not by the environment: 100,000 rules would not fit.
  await writeFile(join(stateFolder, "policy.json"), JSON.stringify({ defaultAction: "deny", egress: rules }));
  const program = options.program ?? bench.program;
  const sidecar = made.use(
    await startSidecar(
      { namespace, stateFolder, upstreams: [UPSTREAM.address] },
      {
        program: processors.pinned("server", program),
        awaitHealth: options.awaitHealth ?? true,
        // Every name is new, and all are below one wildcard: no bound on lookups would let a row be measured.
        env: {
          ...WITHOUT_BOUNDS,
          OPENSANDBOX_EGRESS_LOOKUP_LINES_PER_SECOND: linesPerSecond,
          OPENSANDBOX_EGRESS_MODE: mode,
          OPENSANDBOX_EGRESS_LOG_LEVEL: logLevel,
          OPENSANDBOX_EGRESS_WIRE_NAMES: wireNames,
          OPENSANDBOX_LOG_OUTPUT: "/dev/null",
          OPENSANDBOX_EGRESS_MAX_RULES: "0",
        },
      },
    ),
  );
  const all = made.move();
  return {
    column: mode === "dns" ? "ours dns" : "ours dns+nft",
    processors,
    namespace,
    server: SERVER,
    pid: sidecar.pid,
    sidecar,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
