import type { AskedQuestion } from "../wire/answer.ts";
import type { Lookup } from "./lookups.ts";

/**
 * The question that a lookup has asked, to compare answers with; `octets` are what questions are written in.
 * It gives one object for all lookups, so that none leaves one behind.
 */
export function createAskedBy(octets: Buffer): (lookup: Lookup) => AskedQuestion {
  const asked: { octets: Buffer; at: number; length: number } = { octets, at: 0, length: 0 };
  return (lookup) => {
    asked.at = lookup.askedAt;
    asked.length = lookup.questionOctets;
    return asked;
  };
}
