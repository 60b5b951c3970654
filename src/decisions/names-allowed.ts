import type { DecisionRing } from "./decision-ring.ts";
import { EVERYTHING } from "./decision-filter.ts";

const ALLOWED_LOOKUPS = { ...EVERYTHING, kind: "lookup", decisions: ["allowed"] } as const;

/**
 * The names of the lookups that were allowed and are still kept, those of an answer of our own left out. The
 * newest first; one may come again.
 */
export function* namesAllowed(
  ring: Pick<DecisionRing, "newest" | "oldest" | "matches" | "read">,
): Iterable<string> {
  for (let number = ring.newest(); number >= ring.oldest(); number--) {
    if (!ring.matches(number, ALLOWED_LOOKUPS)) continue;
    const { name, reason } = ring.read(number);
    if (name !== undefined && reason !== "own-answer") yield name;
  }
}
