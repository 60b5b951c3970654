/** The lab with a ruleset in its sandbox, and a stand-in for the resolver; no sidecar runs. */
import { fileURLToPath } from "node:url";
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import { type AppliedRuleset, createNftApplier, type RulesetApplier } from "../../src/netfilter/io/nft.ts";
import type { Tool } from "../../src/netfilter/io/run-tool.ts";
import { readNetworkFacts } from "../../src/netfilter/io/network-facts.ts";
import type { RulesetInput } from "../../src/netfilter/ruleset-input.ts";
import { argvIn, execIn, type NetworkNamespace } from "../../src/netns/namespace.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { createLab, type Lab, type LabOptions } from "../support/lab.ts";
import { workloadArgv } from "../support/workload.ts";
import { MARKS, rulesetInput } from "./ruleset-input.ts";

const PROBE = ["python3", fileURLToPath(new URL("probe.py", import.meta.url))] as const;

/** How our own sockets are marked, as arguments of the probe. */
export const OURS = [String(MARKS.mark), String(MARKS.priority), String(MARKS.group)] as const;

interface Attempt {
  readonly result: string;
  readonly ms: number;
}

export interface RulesetLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly applier: RulesetApplier;
  /** nft in the sandbox. */
  readonly nft: Tool;
  /** What the resolver's stand-in has been asked. */
  readonly resolver: JsonServer;
  /** Puts a ruleset for the sandbox as it is now in force. */
  load(changes?: Partial<RulesetInput>): Promise<AppliedRuleset>;
  /** One attempt as the workload; see probe.py. */
  probe(...args: readonly string[]): Promise<Attempt>;
  /** The same with all capabilities, as the sidecar has them. */
  probeAsSidecar(...args: readonly string[]): Promise<Attempt>;
  probeFromOutside(...args: readonly string[]): Promise<Attempt>;
  /** Starts the probe as the workload. */
  startProbe(...args: readonly string[]): Promise<JsonServer>;
  startServer(namespace: NetworkNamespace, ...args: readonly string[]): Promise<JsonServer>;
}

export async function createRulesetLab(options: LabOptions = {}): Promise<RulesetLab> {
  await using made = new AsyncDisposableStack();
  const lab = made.use(await createLab(options));
  const startServer: RulesetLab["startServer"] = async (namespace, ...args) =>
    running.use(await startJsonServer(namespace, [...PROBE, "serve", ...args]));
  const running = made.use(new AsyncDisposableStack());
  const places = ["127.0.0.1,15353", ...(lab.ipv6 ? ["::1,15353"] : [])];
  const resolver = await startServer(lab.sandbox, "resolver", ...places);
  const [program, ...leading] = argvIn(lab.sandbox, ["nft"]);
  const nft: Tool = [program, ...leading];
  const [ip, ...ipLeading] = argvIn(lab.sandbox, ["ip"]);
  const applier = createNftApplier({ nft });
  const all = made.move();
  return {
    lab,
    applier,
    nft,
    resolver,
    load: async (changes = {}) => {
      const network = await readNetworkFacts([ip, ...ipLeading]);
      return applier.replace(compileRuleset(rulesetInput({ network, ...changes })));
    },
    probe: (...args) => run(lab.sandbox, workloadArgv([...PROBE, ...args])),
    probeAsSidecar: (...args) => run(lab.sandbox, [...PROBE, ...args]),
    probeFromOutside: (...args) => run(lab.internet, [...PROBE, ...args]),
    startProbe: async (...args) =>
      running.use(await startJsonServer(lab.sandbox, workloadArgv([...PROBE, ...args]))),
    startServer,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function run(namespace: NetworkNamespace, argv: readonly string[]): Promise<Attempt> {
  const [file = "", ...args] = argv;
  const { stdout, stderr } = await execIn(namespace, [file, ...args]);
  if (stdout === "") throw new Error(stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own script's
  return JSON.parse(stdout) as Attempt;
}
