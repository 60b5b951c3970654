/**
 * The log: JSON lines, one an event or a message, to each of the outputs that the settings name. Fields have
 * the original's names, so that queries written for its lines find ours. Denials are written at every level:
 * `OPENSANDBOX_EGRESS_LOG_LEVEL=error` hides what is ordinary, never what was refused.
 */
import { type Logger, pino, stdTimeFunctions } from "pino";
import type { DecisionEvent } from "../decisions/decision-event.ts";
import { compilePolicy } from "../policy/compile.ts";
import { decideName } from "../policy/decide-name.ts";
import type { DomainName } from "../policy/domain-name.ts";
import { renderRemoval } from "../policy/edit.ts";
import { renderPolicy } from "../policy/policy.ts";
import { renderRule } from "../policy/rule.ts";
import type { Target } from "../policy/target.ts";
import type { AuditLog, PolicyChange } from "./audit-log.ts";
import { type CommonFields, createCommonFields } from "./common-fields.ts";
import { openLogOutput } from "./io/log-output.ts";
import { type LineOutput, type LineSink, type SummaryLines, createLineSink } from "./line-sink.ts";
import { createConnectionLog } from "./connection-log.ts";
import { createLookupLog, lineKindOf, type LineKind } from "./lookup-log.ts";
import type { Upstream } from "./lookup-lines.ts";

export interface LogSettings {
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** `stdout`, `stderr`, or a file's path: lines are added at its end. */
  readonly logOutputs: readonly string[];
  readonly sandboxId: string | undefined;
  readonly extraAttributes: Readonly<Record<string, string>>;
  /** Of each kind of lookups; 0 is no bound. */
  readonly lookupLinesPerSecond: number;
}

export interface Log {
  readonly audit: AuditLog;
  /** For everything that is not an event of the audit. */
  readonly logger: Logger;
  /** Names and wildcards whose allowed lookups are not logged. */
  setSkipList(targets: readonly Target[]): void;
  /** In the order of the indexes by which decisions name them. */
  setUpstreams(upstreams: readonly Upstream[]): void;
  /**
   * Settles when all lines are written; to be awaited before the process ends, after which nothing is lost.
   */
  drain(limitMs: number): Promise<void>;
}

/** Rules that one event lists; of more, `rules.total` says how many there were. */
const RULES_SHOWN = 100;

/**
 * What lines are called that stand for many lookups of one kind, and from which level on they are written.
 */
const COUNTED = {
  denied: { name: "egress.denied", level: "always", msg: "lookups denied" },
  withheld: { name: "egress.withheld", level: "always", msg: "lookups without an address that is allowed" },
  audited: { name: "egress.audited", level: "always", msg: "lookups audited" },
  allowed: { name: "egress.outbound", level: "info", msg: "lookups allowed" },
  failed: { name: "egress.outbound", level: "warn", msg: "lookups failed" },
} as const;

/** Opens the outputs. Throws LogOutputError. */
export function createLog(
  settings: LogSettings,
  openOutput: (name: string) => LineOutput = openLogOutput,
): Log {
  const common = createCommonFields(settings);
  const render = createRenderer(common.read);
  const sinks = settings.logOutputs.map((name) => createLineSink(openOutput(name), summaries(render)));
  const keep = (line: string): void => {
    for (const sink of sinks) sink.kept(line, undefined);
  };
  const kept = createPino(settings.logLevel, common.read, keep);
  const atEveryLevel = createPino("warn", common.read, keep);
  const lookups = createLookupLog({
    sinks,
    common: common.read,
    linesPerSecond: settings.lookupLinesPerSecond,
    report(kind, host, count) {
      const { name, level, msg } = COUNTED[kind];
      const logger = level === "always" ? atEveryLevel : kept;
      logger[level === "info" ? "info" : "warn"]({ ...event(name), "target.host": host, count }, msg);
    },
  });
  const connections = createConnectionLog(atEveryLevel, settings.lookupLinesPerSecond);
  let isSkipped = compileSkipList([]);
  const tellsAllowed = kept.isLevelEnabled("info");
  const tellsFailed = kept.isLevelEnabled("warn");
  function wantsLine(kind: LineKind, { qname, reason }: DecisionEvent): boolean {
    // What we say by ourselves is no line, and a bound tells once a minute.
    if (reason === "own-answer" || reason === "limited") return false;
    if (kind === "failed") return tellsFailed;
    return kind !== "allowed" || (tellsAllowed && qname !== undefined && !isSkipped(qname));
  }
  const audit: AuditLog = {
    policyLoaded(policy, from) {
      const { egress, defaultAction } = renderPolicy(policy);
      kept.info(
        { ...event("egress.loaded"), from, "egress.default": defaultAction, ...listed(egress) },
        "policy loaded",
      );
    },
    policyUpdated(change) {
      kept.info({ ...event("egress.updated"), ...describeChange(change) }, "policy updated");
    },
    policyUpdateFailed(error) {
      kept.error({ ...event("egress.update_failed"), error }, "policy update failed");
    },
    auditModeChanged(isOn) {
      if (!common.setAudit(isOn)) return;
      const message = isOn
        ? "audit mode is on: nothing is blocked but deny.always and the protections"
        : "audit mode is off: the policy is enforced";
      atEveryLevel.warn({ ...event("egress.audit_mode"), enabled: isOn }, message);
    },
    rulesetReconciled({ found, by, error }) {
      const fields = { ...event("egress.ruleset_repaired"), found, by, error };
      if (error === undefined) kept.warn(fields, "rules that were changed from outside are loaded again");
      else kept.error(fields, "rules that were changed from outside could not be loaded again");
    },
    watchChanged({ watch, reason }) {
      const fields = { ...event("egress.watch"), watch, reason };
      if (reason === undefined) kept.info(fields, "a watch lives again");
      else kept.error(fields, "a watch is dead");
    },
    vaultChanged({ kind, revision, credentials, bindings, allowedByDefault }) {
      const fields = {
        ...event(`egress.vault_${kind}`),
        revision,
        credentials: credentials.slice(0, RULES_SHOWN),
        bindings: bindings.slice(0, RULES_SHOWN),
      };
      kept.info(fields, `credential vault ${kind}`);
      if (allowedByDefault.length === 0) return;
      kept.warn(
        { ...event("egress.vault_by_default"), bindings: allowedByDefault.slice(0, RULES_SHOWN) },
        "no rule allows hosts of these bindings, the default action does",
      );
    },
    vaultFault({ what, name, sourceType, reason }) {
      const fields = { ...event("egress.vault_fault"), [what]: name, source: sourceType, reason };
      if (reason === undefined) kept.info(fields, `a ${what} of the vault is in force again`);
      else kept.error(fields, `a ${what} of the vault is out of force: requests that need it are refused`);
    },
    upstreamsUnanswered(upstreams) {
      kept.warn({ ...event("egress.unanswered"), upstreams }, "no upstream has answered a lookup yet");
    },
    decided(decision) {
      if (decision.kind === "connection") {
        connections.write(decision);
        return;
      }
      const kind = lineKindOf(decision.decision);
      if (wantsLine(kind, decision)) lookups.write(kind, decision);
    },
    lookupsLimited({ parent, bound, perMinute, layer, rule }) {
      atEveryLevel.warn(
        { ...event("egress.limited"), parent, bound, "per.minute": perMinute, layer, rule },
        "lookups limited",
      );
    },
  };
  return {
    audit,
    logger: kept,
    setSkipList(targets) {
      isSkipped = compileSkipList(targets);
    },
    setUpstreams: lookups.setUpstreams,
    async drain(limitMs) {
      lookups.flush();
      connections.flush();
      await Promise.all(sinks.map((sink: LineSink) => sink.drain(limitMs)));
    },
  };
}

function event(name: string): { readonly "opensandbox.event": string } {
  return { "opensandbox.event": name };
}

function createPino(level: string, common: CommonFields["read"], write: (line: string) => void): Logger {
  const options = {
    level,
    base: null,
    // pino writes into what it is given.
    mixin: () => ({ ...common() }),
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, { write });
}

/** Renders a line without writing it. */
function createRenderer(common: CommonFields["read"]): (fields: object, message: string) => string {
  let rendered = "";
  const logger = createPino("warn", common, (line) => {
    rendered = line;
  });
  return (fields, message) => {
    logger.warn(fields, message);
    return rendered;
  };
}

function summaries(render: (fields: object, message: string) => string): SummaryLines {
  return {
    dropped: (count) => render({ count }, "lines of allowed lookups dropped: the log's reader is too slow"),
    counted(host, count) {
      if (host === undefined) return render({ count }, "lines only counted: the log's reader is too slow");
      return render({ ...event("egress.denied"), "target.host": host, count }, "lookups denied");
    },
  };
}

function describeChange(change: PolicyChange): object {
  const { kind } = change;
  if (kind === "replace") {
    const { egress, defaultAction } = renderPolicy(change.policy);
    return { change: kind, "egress.default": defaultAction, ...listed(egress) };
  }
  if (kind === "merge") {
    return { change: kind, ...listed(change.rules.map(renderRule)) };
  }
  if (kind === "remove") return { change: kind, ...listed(change.targets.map(renderRemoval)) };
  return { change: kind, "deny.always": change.denyAlways.length, "allow.always": change.allowAlways.length };
}

function listed(rules: readonly object[]): object {
  if (rules.length <= RULES_SHOWN) return { rules };
  return { rules: rules.slice(0, RULES_SHOWN), "rules.total": rules.length };
}

/** The skip list is asked like a policy that allows what it holds. */
function compileSkipList(targets: readonly Target[]): (host: DomainName) => boolean {
  if (targets.length === 0) return () => false;
  const egress = targets.map((target) => ({ action: "allow" as const, target }));
  const compiled = compilePolicy({
    denyAlways: [],
    allowAlways: [],
    user: { defaultAction: "deny", egress },
  });
  return (host) => decideName(compiled, host).action === "allow";
}
