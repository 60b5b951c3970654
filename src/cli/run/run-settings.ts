/**
 * What becomes of the caller's settings in a run. They are for a sidecar that an operator starts, and a run
 * finds them in whatever environment it was started in: so none of them may weaken it in silence. The table
 * of docs/run.md is checked against this one.
 */
import type { Settings } from "../../config.ts";
import type { Environment } from "../../config/environment.ts";
import { VARIABLES } from "../../config/variables.ts";
import { oneLine, type Problem } from "../../policy/problem.ts";

type Key = keyof typeof VARIABLES;

/** What becomes of it, in words for people. */
type InRun =
  /** Holds as it is set, and weakens nothing. */
  | "as-set"
  /** The run has its own value, whatever is set. */
  | { readonly own: string }
  /** Holds, and its line is printed if what is set is weaker than what a run has without it. */
  | { readonly told: string; readonly line: (settings: Settings, env: Environment) => string | undefined }
  /** A run with it does not start. */
  | { readonly refused: string; readonly problem: (settings: Settings) => string | undefined };

const OF_RUN = "a new one";
const DEFAULT_GRACE_SECONDS = Number(VARIABLES.graceSeconds.default);
const WITHOUT_NFT = "under `dns` a run would hold lookups alone, and no address: refused";

/** As in the order of docs/settings.md. */
export const IN_RUN: Readonly<Record<Key, InRun>> = {
  mode: {
    refused: WITHOUT_NFT,
    problem: ({ mode }) =>
      mode === "dns"
        ? "is dns, by which a run would hold lookups alone and no address: unset it, or set it to dns+nft"
        : undefined,
  },
  rules: { own: "the policy of the run" },
  policyFile: { own: "none, as the policy of a run is kept nowhere" },
  httpAddress: { own: "none, as its socket is the API" },
  socketPath: { own: OF_RUN },
  token: { own: OF_RUN },
  allowLocalWrites: { own: "`false`" },
  signedWrites: "as-set",
  auditMode: { own: "`--audit` decides" },
  maxRules: "as-set",
  logLevel: { own: "`info`, as the run reads the log" },
  logOutputs: { own: "the run, and `--log`" },
  upstreams: "as-set",
  upstreamTimeoutSeconds: "as-set",
  probeName: "as-set",
  probeIntervalSeconds: "as-set",
  exemptNameservers: {
    told: "holds, and is printed: lookups there are not judged",
    line: ({ exemptNameservers }) =>
      exemptNameservers.length === 0
        ? undefined
        : `lookups to ${exemptNameservers.join(", ")} pass without being judged`,
  },
  wireNames: {
    told: "holds; with `off`, what is open by it is printed",
    line: ({ wireNames }) =>
      wireNames === "off" ? "connections are not judged by the names that they show" : undefined,
  },
  blockDoh: "as-set",
  dohBlocklist: "as-set",
  inboundUdp: {
    told: "holds, and is printed: UDP from outside may open a flow",
    line: ({ inboundUdp }) => (inboundUdp ? "UDP from outside may open a flow to the command" : undefined),
  },
  graceSeconds: {
    told: `holds, and is printed above ${DEFAULT_GRACE_SECONDS}: addresses stay open longer`,
    line: ({ graceSeconds }) =>
      graceSeconds > DEFAULT_GRACE_SECONDS
        ? `an address stays open for ${graceSeconds} seconds after its last use`
        : undefined,
  },
  privateAnswers: "as-set",
  namesPerMinute: boundOf("namesPerMinute", "new names"),
  lookupsPerMinute: boundOf("lookupsPerMinute", "lookups"),
  lookupLinesPerSecond: { own: "`0`, as the run reads each line" },
  decisionsKept: "as-set",
  denyWebhook: "as-set",
  sandboxId: "as-set",
  extraAttributes: "as-set",
  otlpEndpoint: "as-set",
  otlpMetricsEndpoint: "as-set",
  otlpTemporality: "as-set",
  otlpIntervalMs: "as-set",
  intercepts: { own: "`true` with secrets or rules for requests; otherwise as set" },
  extraPorts: "as-set",
  trustsAnyHost: "as-set",
  trustFolder: rootsOf("trustFolder"),
  certificateFile: { own: OF_RUN },
  certificateHosts: { own: "the hosts of secrets and of rules for requests; without any, as set" },
  extraTrust: rootsOf("extraTrust"),
  upstreamProxy: "as-set",
  upstreamProxyAuth: "as-set",
  vaultRequiresTls: "as-set",
  vaultTrustedProxies: "as-set",
  vaultRequiresScopedMatch: "as-set",
  vaultSources: { own: "none" },
  rulesDirectory: {
    told: "the run takes a copy of its files, and says so: they go before the policy",
    line: (_settings, env) => {
      const folder = env[VARIABLES.rulesDirectory.name]?.trim() ?? "";
      return folder === "" ? undefined : `the rule files of ${folder} go before the policy`;
    },
  },
  requiredProtections: "as-set",
  allowHostNetns: { own: "`false`" },
};

/** The names of those that were set to what a run does not take, with the remedy. */
export function findRefusedSettings(settings: Settings): readonly Problem[] {
  return entries().flatMap(([key, inRun]) => {
    const message = typeof inRun === "object" && "refused" in inRun ? inRun.problem(settings) : undefined;
    return message === undefined ? [] : [{ path: VARIABLES[key].name, message }];
  });
}

/** A line for each setting that makes the run hold less than without it. */
export function describeWeakening(settings: Settings, env: Environment): readonly string[] {
  return entries().flatMap(([key, inRun]) => {
    const line = typeof inRun === "object" && "told" in inRun ? inRun.line(settings, env) : undefined;
    return line === undefined ? [] : [oneLine(`${VARIABLES[key].name} is set: ${line}`)];
  });
}

function entries(): readonly (readonly [Key, InRun])[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type of the table has no other keys
  return Object.entries(IN_RUN) as readonly (readonly [Key, InRun])[];
}

/** 0 is none. */
function boundOf(key: "namesPerMinute" | "lookupsPerMinute", what: string): InRun {
  const usual = Number(VARIABLES[key].default);
  return {
    told: `holds, and is printed above ${usual}, or at 0: more can be carried out in names`,
    line(settings) {
      const bound = settings[key];
      if (bound > 0 && bound <= usual) return undefined;
      return `${bound === 0 ? "no bound" : `a bound of ${bound} a minute`} for ${what} below an allowed wildcard`;
    },
  };
}

function rootsOf(key: "trustFolder" | "extraTrust"): InRun {
  return {
    told: "holds, and is printed: who has a key of theirs can take the place of a secret's host",
    line(_settings, env) {
      const path = env[VARIABLES[key].name]?.trim() ?? "";
      return path === "" ? undefined : `the hosts of secrets are checked against the roots in ${path}`;
    },
  };
}
