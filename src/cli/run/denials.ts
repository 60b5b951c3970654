/** Counts what the sidecar denied, from its log lines. */
import { oneLine } from "../../policy/problem.ts";
import { numberOf, parseObject, stringOf } from "./json.ts";

/** How often each name was denied; `others` counts those of names that there was no room for. */
export interface Denials {
  readonly counts: ReadonlyMap<string, number>;
  readonly others: number;
  /** Takes one log line; what is no denial, or no JSON, counts nothing. */
  take(line: string): void;
}

const NAMES_KEPT = 10_000;
const NAMES_SHOWN = 20;

export function createDenials(): Denials {
  const counts = new Map<string, number>();
  let others = 0;
  return {
    counts,
    get others() {
      return others;
    },
    take(line) {
      const event = parseObject(line);
      const host = stringOf(event, "target.host");
      if (stringOf(event, "opensandbox.event") !== "egress.denied") return;
      const count = numberOf(event, "count") ?? 1;
      const before = host === undefined ? undefined : counts.get(host);
      if (host === undefined || (before === undefined && counts.size >= NAMES_KEPT)) others += count;
      else counts.set(host, (before ?? 0) + count);
    },
  };
}

/** Lines for people, the most denied first; none when nothing was denied. */
export function renderDenials({ counts, others }: Pick<Denials, "counts" | "others">): readonly string[] {
  if (counts.size === 0) return [];
  const sorted = [...counts].toSorted(
    ([oneName, one], [otherName, other]) => other - one || (oneName < otherName ? -1 : 1),
  );
  const hidden = sorted.slice(NAMES_SHOWN).reduce((sum, [, count]) => sum + count, others);
  return [
    "denied lookups:",
    ...sorted.slice(0, NAMES_SHOWN).map(([host, count]) => `${String(count).padStart(6)}  ${oneLine(host)}`),
    ...(hidden === 0 ? [] : [`${String(hidden).padStart(6)}  of other names`]),
  ];
}
