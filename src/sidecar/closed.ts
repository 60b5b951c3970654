/**
 * A start with something wrong, such as a setting that cannot be read. Everything is denied, in the kernel
 * too, and the API says why, since nobody reports why a process has ended. A corrected restart ends it.
 */
import { randomBytes } from "node:crypto";
import type { Settings } from "../config.ts";
import { VARIABLES } from "../config/variables.ts";
import type { AlwaysRules, AlwaysRulesWatch, RuleFiles } from "../enforcement/always/io/always-rules.ts";
import type { PolicyControl } from "../enforcement/change/policy-control.ts";
import { parseAlwaysFile } from "../policy/always-file.ts";
import { DENY_ALL } from "../policy/policy.ts";
import { type Problem, renderProblems } from "../policy/problem.ts";
import type { Target } from "../policy/target.ts";
import type { Surroundings } from "./read-surroundings.ts";

/**
 * The settings without all that lets something through, keeps something, or sends something. A token that
 * cannot be read is one that nobody knows: the unix socket and `/healthz` stay open.
 */
export function closeSettings(settings: Settings, problems: readonly Problem[]): Settings {
  const lacksToken = problems.some(({ path }) => path === VARIABLES.token.name);
  return {
    ...settings,
    mode: "dns+nft",
    rules: DENY_ALL,
    policyFile: undefined,
    exemptNameservers: [],
    blockDoh: false,
    inboundUdp: false,
    auditMode: false,
    denyWebhook: undefined,
    otlpMetricsUrl: undefined,
    ...(lacksToken ? { token: randomBytes(32).toString("hex") } : {}),
  };
}

/** What is there, without what would be put in force. What an earlier process has left gives way at once. */
export function closeSurroundings(found: Surroundings): Surroundings {
  const first = { policy: DENY_ALL, from: "environment" } as const;
  return { ...found, isRulesetThere: false, first, doh: undefined };
}

/** Shows the policy in force, which denies all, and refuses every change. */
export function closeControl(control: PolicyControl, [first]: readonly Problem[]): PolicyControl {
  const reason = first === undefined ? "the start went wrong" : renderProblems([first]);
  return {
    snapshot: control.snapshot,
    change: async () => ({ kind: "closed", reason }),
    health: async () => ({ ok: false, reason }),
    isAudit: () => false,
    setAudit: async () => ({ kind: "closed", reason }),
    exclusively: async () => ({ kind: "closed", reason }),
  };
}

/**
 * A default of deny lets callers from outside in, and their answers out; an address rule does not. The
 * operator's denials, of files and policy, are among these, be they readable or not. The API's callers and
 * neighbours pass, as by every address rule.
 */
const CLOSED: AlwaysRules = { denyAlways: everyAddress(), allowAlways: [], logSkip: [] };
const NO_FILES: RuleFiles = { denyAlways: undefined, allowAlways: undefined, logSkip: undefined };

/** Nobody's files, and nothing watched. */
export const CLOSED_RULES: AlwaysRulesWatch = {
  initial: CLOSED,
  latest: () => ({ rules: CLOSED, files: NO_FILES, problems: [] }),
  close: async () => undefined,
};

function everyAddress(): readonly Target[] {
  const parsed = parseAlwaysFile("every address", "0.0.0.0/0\n::/0\n");
  if (!parsed.ok) throw new TypeError(renderProblems(parsed.problems));
  return parsed.value;
}
