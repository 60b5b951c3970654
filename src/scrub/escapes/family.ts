/**
 * How texts are written where some characters cannot stand as they are: a family has one kind of escapes,
 * such as percent-encoding. Its reader gets what follows on the octet that each of its escapes begins with.
 */

/** It may go on; if `count` is not 0 it may end here, too. */
export const MORE = 0;
/** It ends with this octet. */
export const WHOLE = 1;
/** It has ended before this octet. */
export const OVER = 2;
/** It is no escape, and this octet may begin one. */
export const NONE = 3;

export type Progress = typeof MORE | typeof WHOLE | typeof OVER | typeof NONE;

/** In octets. */
export const LONGEST_ESCAPE = 18;

export interface EscapeReader {
  /** What the escape stands for: the first `count` octets. It may stand for nothing. */
  readonly decoded: Uint8Array;
  count: number;
  /** The first octet of one has come. `isBehind`: directly behind another escape. */
  begin(isBehind: boolean): void;
  read(octet: number): Progress;
}

export interface EscapeFamily {
  /** The octet that each escape begins with. */
  readonly first: number;
  /** Whether an escape may go on with these two octets; undefined: they have not come yet. */
  mayFollow(next: number | undefined, second: number | undefined): boolean;
  /**
   * Reads one at once, if it is there whole and can end nowhere before. Gives its length; 0: to be read octet
   * by octet.
   */
  readWhole(octets: Uint8Array, at: number, to: EscapeReader): number;
  open(): EscapeReader;
}
