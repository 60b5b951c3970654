/** Counts what the sidecar denied, from its log lines: lookups by name, connections by address. */
import { oneLine } from "../../../policy/problem.ts";
import { numberOf, parseObject, stringOf } from "../json.ts";

/** How often each was denied; `others` counts those that there was no room for. */
export interface Tally {
  readonly counts: ReadonlyMap<string, number>;
  readonly others: number;
}

export interface Denials {
  readonly lookups: Tally;
  readonly connections: Tally;
  /** Takes one log line; what is no denial, or no JSON, counts nothing. */
  take(line: string): void;
}

const SUBJECTS_KEPT = 10_000;
const SUBJECTS_SHOWN = 20;

export function createDenials(): Denials {
  const lookups = createTally();
  const connections = createTally();
  return {
    lookups,
    connections,
    take(line) {
      const event = parseObject(line);
      if (stringOf(event, "opensandbox.event") !== "egress.denied") return;
      const count = numberOf(event, "count") ?? 1;
      if (stringOf(event, "msg")?.startsWith("connection") === true)
        connections.add(describeTarget(event), count);
      else lookups.add(stringOf(event, "target.host"), count);
    },
  };
}

/** Lines for people, the most denied first; none when nothing was denied. */
export function renderDenials({ lookups, connections }: Pick<Denials, "lookups" | "connections">) {
  return [
    ...renderTally("denied lookups:", "names", lookups),
    ...renderTally("refused connections:", "addresses", connections),
  ];
}

function createTally(): Tally & { add(subject: string | undefined, count: number): void } {
  const counts = new Map<string, number>();
  let others = 0;
  return {
    counts,
    get others() {
      return others;
    },
    add(subject, count) {
      const before = subject === undefined ? undefined : counts.get(subject);
      if (subject === undefined || (before === undefined && counts.size >= SUBJECTS_KEPT)) others += count;
      else counts.set(subject, (before ?? 0) + count);
    },
  };
}

/** `198.51.100.7 tcp 443`; of a line that stands for many, the address alone. */
function describeTarget(event: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const ips = event?.["target.ips"];
  const ip: unknown = Array.isArray(ips) ? ips[0] : undefined;
  if (typeof ip !== "string") return undefined;
  const parts = [ip, stringOf(event, "network.transport"), numberOf(event, "target.port")];
  return parts.filter((part) => part !== undefined).join(" ");
}

function renderTally(title: string, subjects: string, { counts, others }: Tally): readonly string[] {
  if (counts.size === 0) return [];
  const sorted = [...counts].toSorted(
    ([oneName, one], [otherName, other]) => other - one || (oneName < otherName ? -1 : 1),
  );
  const hidden = sorted.slice(SUBJECTS_SHOWN).reduce((sum, [, count]) => sum + count, others);
  return [
    title,
    ...sorted.slice(0, SUBJECTS_SHOWN).map(([subject, count]) => renderCount(count, oneLine(subject))),
    ...(hidden === 0 ? [] : [renderCount(hidden, `of other ${subjects}`)]),
  ];
}

function renderCount(count: number, subject: string): string {
  return `${String(count).padStart(6)}  ${subject}`;
}
