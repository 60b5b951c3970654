/** How long a learned address lives. Times are in milliseconds on one clock; a time of 0 is not known. */

/**
 * How much longer than its TTL an address stays, and the bounds of the whole. Answers are given out with a
 * TTL of 300 s at most.
 */
const SLACK_SECONDS = 60;
const MIN_SECONDS = 60;
const MAX_SECONDS = 360;
/** An address in force for at least this long after the answer's TTL needs no renewal. */
const SPARE_MS = 20_000;
/** The kernel lets go a little later than we think, for it took the address a little later. */
const EXPIRY_SKEW_MS = 1000;
/** Longer than a round of flows: one that began while the kernel held the address has been seen by then. */
const LAPSED_MS = 30_000;
/** Longer than two rounds. */
const FLOW_GOES_ON_MS = 45_000;

/**
 * Beyond the grace time: what a flow's use gives an address, so that it is rewritten in every third round
 * only.
 */
export const IN_USE_MS = 100_000;
/** Beyond the grace time: what an address in use has left at each round. */
export const IN_USE_LEFT_MS = 45_000;

/** From a lookup on. */
export function ofAnswer(ttlSeconds: number): number {
  return 1000 * Math.min(Math.max(ttlSeconds + SLACK_SECONDS, MIN_SECONDS), MAX_SECONDS);
}

/** Whether an answer need not make its life longer. */
export function outlasts(untilMs: number, ttlSeconds: number, nowMs: number): boolean {
  return untilMs >= nowMs + ttlSeconds * 1000 + SPARE_MS;
}

/** Whether the kernel holds it no longer. */
export function hasRunOut(untilMs: number, nowMs: number): boolean {
  return untilMs > 0 && untilMs + EXPIRY_SKEW_MS < nowMs;
}

/** Whether no flow can be in use of it that no round has seen. */
export function hasLapsed(untilMs: number, nowMs: number): boolean {
  return untilMs > 0 && untilMs + LAPSED_MS < nowMs;
}

export function isFlowGoingOn(seenMs: number, nowMs: number): boolean {
  return seenMs > 0 && seenMs > nowMs - FLOW_GOES_ON_MS;
}
