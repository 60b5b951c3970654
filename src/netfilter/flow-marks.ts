/**
 * Conntrack marks of flows that are judged by the name they show. A mark is a generation with one of these
 * sets of bits; without any of them the flow was admitted by its address. Marks of our own flows and of
 * callers' have the highest bit, which none of these has.
 */
const OURS = 2 ** 31;
const PENDING = 2 ** 30;
const VERIFIED = 2 ** 29;
const UNNAMED = 2 ** 28;
/** The same bit, of a flow that is pending. */
const SHOWN = UNNAMED;
const BEGUN = 2 ** 27;

/** Generations stay below it, so a mark has room for what we know of a flow. */
export const LAST_GENERATION = BEGUN - 1;
/** A start begins below it with its policies, so the deny-all before them has a generation of its own. */
export const FIRST_HALF = 2 ** 26;

/** Nothing of it has passed but what opens a connection. */
export const pendingMark = (generation: number): number => PENDING + generation;
/** Something has passed that shows no name yet, or that nobody has acknowledged. */
export const begunMark = (generation: number): number => PENDING + BEGUN + generation;
/** A hello has passed that shows an allowed name: what the far end says to it decides. */
export const shownMark = (generation: number): number => PENDING + SHOWN + BEGUN + generation;
export const verifiedMark = (generation: number): number => VERIFIED + generation;
/** UDP, which shows no name that could be read. */
export const unnamedMark = (generation: number): number => UNNAMED + generation;

/** Of a flow that a policy has let out; undefined for all others. */
export function generationOf(mark: number): number | undefined {
  return mark === 0 || mark >= OURS ? undefined : mark & LAST_GENERATION;
}

/** Those of verified flows, under whatever generation. */
export const VERIFIED_MARKS = { mask: OURS + VERIFIED, wanted: VERIFIED } as const;

/** As nft(8) matches them, in any generation. */
export const IS_PENDING = matchBits(PENDING, PENDING);
export const IS_NOT_BEGUN = matchBits(PENDING + BEGUN, PENDING);
export const IS_BEGUN = matchBits(PENDING + BEGUN, PENDING + BEGUN);
export const IS_SHOWN = matchBits(PENDING + SHOWN + BEGUN, PENDING + SHOWN + BEGUN);
export const IS_VERIFIED = matchBits(VERIFIED, VERIFIED);
/**
 * Admitted by its address, under whatever generation; also by a version of ours that had no names on the
 * wire, whose generations were larger.
 */
export const IS_PLAIN = `ct mark != 0 ${matchBits(PENDING, 0)}`;

function matchBits(mask: number, wanted: number): string {
  return `ct mark & ${hex(OURS + mask)} == ${hex(wanted)}`;
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}
