/**
 * Conntrack marks of flows that are judged by the name they show. A mark is a generation with one of these sets of bits; without any of them the flow was
 * admitted by its address.
 */
const PENDING = 2 ** 30;
const VERIFIED = 2 ** 29;
const UNNAMED = 2 ** 28;
const BEGUN = 2 ** 27;

/** Generations stay below it where flows are judged by names. */
export const NAMES_LAST_GENERATION = BEGUN - 1;

/** Nothing of it has passed but what opens a connection. */
export const pendingMark = (generation: number): number => PENDING + generation;
/** Something has passed that shows no name yet, or is not acknowledged. */
export const begunMark = (generation: number): number => PENDING + BEGUN + generation;
export const verifiedMark = (generation: number): number => VERIFIED + generation;
/** UDP, which shows no name that could be read. */
export const unnamedMark = (generation: number): number => UNNAMED + generation;

/** As nft(8) matches them, in any generation. */
export const IS_PENDING = `ct mark & ${hex(PENDING)} == ${hex(PENDING)}`;
export const IS_NOT_BEGUN = `ct mark & ${hex(PENDING + BEGUN)} == ${hex(PENDING)}`;
export const IS_BEGUN = `ct mark & ${hex(PENDING + BEGUN)} == ${hex(PENDING + BEGUN)}`;
export const IS_VERIFIED = `ct mark & ${hex(VERIFIED)} == ${hex(VERIFIED)}`;
/** Admitted by its address, under whatever generation. */
export const IS_PLAIN = `ct mark != 0 ct mark & ${hex(PENDING + VERIFIED + UNNAMED + BEGUN + 2 ** 31)} == 0`;

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}
