/**
 * What tells our own packets from all others: drawn anew at every start, so that what was found out about an
 * earlier process is worth nothing.
 */
import type { Marks, NamesInput } from "../netfilter/ruleset-input.ts";
import type { Protections } from "../protections/protections.ts";
import { drawBelow, drawFrom } from "../sys/random.ts";
import { findOwnGroup } from "../sys/socket-group.ts";

/** Draws them, and reports whether our sockets can have a group of their own. */
export function drawMarks(protections: Pick<Protections, "report">): Marks {
  const found = findOwnGroup(drawBelow);
  protections.report("own-sockets", found.ok ? { state: "on" } : { state: "off", reason: found.reason });
  return {
    mark: draw(),
    priority: draw(),
    group: found.ok ? found.group : undefined,
    stampMark: draw(),
    stampPriority: draw(),
  };
}

/** What the reader of names gives packets that meet the rules once more. */
export interface NameMarks extends Pick<NamesInput, "refusedMark"> {
  readonly repeatedMark: number;
}

export function drawNameMarks(): NameMarks {
  const refusedMark = draw();
  for (;;) {
    const repeatedMark = draw();
    if (repeatedMark !== refusedMark) return { refusedMark, repeatedMark };
  }
}

function draw(): number {
  return drawFrom(1, 0xffff_ffff);
}
