/**
 * The log: JSON lines, one an event or a message, to each of the outputs that the settings name. Fields have
 * the original's names, so that queries written for its lines find ours. Denials are written at every level:
 * `OPENSANDBOX_EGRESS_LOG_LEVEL=error` hides what is ordinary, never what was refused.
 */
import { type Logger, pino, stdTimeFunctions } from "pino";
import type { DecisionEvent } from "../decisions/decision-event.ts";
import type { Target } from "../policy/target.ts";
import type { AuditLog } from "./audit-log.ts";
import { type CommonFields, createCommonFields } from "./common-fields.ts";
import { openLogOutput } from "./io/log-output.ts";
import { type LineOutput, type LineSink, type SummaryLines, createLineSink } from "./line-sink.ts";
import { createConnectionLog } from "./connection-log.ts";
import { event } from "./event-fields.ts";
import { createEventLines } from "./event-lines.ts";
import { createLookupLog, lineKindOf, type LineKind } from "./lookup-log.ts";
import type { Upstream } from "./lookup-lines.ts";
import { compileSkipList } from "./skip-list.ts";
import { createVaultLines } from "./vault-lines.ts";

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
    ...createEventLines({ kept, atEveryLevel }, common),
    ...createVaultLines(kept),
    decided(decision) {
      if (decision.kind === "connection") {
        connections.write(decision);
        return;
      }
      const kind = lineKindOf(decision.decision);
      if (wantsLine(kind, decision)) lookups.write(kind, decision);
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
