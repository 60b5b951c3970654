import type { HeldElement } from "../netfilter/learned-set.ts";

import type { ForgottenAddress } from "./forgotten.ts";
import { octetKey } from "../tables/octet-key.ts";

/**
 * An element that runs out at another time than this about ours was written by somebody else. A ruleset that
 * puts 100,000 back takes nft(8) some seconds, and their time begins when it is done: with 5 s each of them
 * was written once more.
 */
const SKEW_MS = 15_000;

export interface HeldDifference {
  /** What the kernel holds and should not. */
  readonly unwanted: readonly Uint8Array[];
  /** What the kernel should hold and does not, or not for as long, or for longer. */
  readonly lost: readonly ForgottenAddress[];
}

/**
 * What the kernel's learned sets hold against what they should. An address of which nobody can say until when
 * runs out at 0: it is no loss.
 */
export function compareHeld(
  held: readonly HeldElement[],
  wanted: readonly ForgottenAddress[],
  nowMs: number,
): HeldDifference {
  const missing = new Map(
    wanted.filter(({ untilMs }) => untilMs > nowMs).map((one) => [textOf(one.key), one]),
  );
  const unwanted: Uint8Array[] = [];
  for (const { key, expiresInMs } of held) {
    const one = missing.get(textOf(key));
    if (one === undefined) unwanted.push(key);
    else if (Math.abs(one.untilMs - nowMs - expiresInMs) < SKEW_MS) missing.delete(textOf(key));
  }
  return { unwanted, lost: [...missing.values()] };
}

function textOf(key: Uint8Array): string {
  return octetKey(key, 0, key.length);
}
