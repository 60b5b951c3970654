/**
 * Finds texts that are written with escapes of one family, each of their characters as it is or in any way of
 * the family: searched is what the escapes stand for, and each octet of that knows where it stands in the
 * stream.
 *
 * Nothing is decoded where no escape is near. The search begins as far before one as the longest text
 * reaches, and ends as far behind the last one, whatever is there: how much is read tells nothing of texts
 * that have begun.
 */
import type { Automaton, Cursor } from "./automaton.ts";
import { isBreak } from "./digit-lines.ts";
import { type EscapeFamily, type EscapeReader, LONGEST_ESCAPE, NONE, OVER, WHOLE } from "./escapes/family.ts";
import { createPlaces, type Places } from "./places.ts";
import type { StreamTail } from "./stream-tail.ts";

export interface EscapedTexts {
  readonly automaton: Automaton;
  /** Octets that families' escapes begin with, and that its patterns have, too. */
  readonly firsts: ReadonlySet<number>;
  /** Whether an end of a line that is escaped stands for nothing, as within digits: `\\n` in JSON. */
  readonly skipsBreaks: boolean;
  /** Those that ends of lines may stand in. */
  isDigits(pattern: number): boolean;
  /** Of the longest pattern that is told. */
  readonly longestPattern: number;
  /** Of what is told, with its escapes. */
  readonly shortest: number;
  readonly longest: number;
}

/** Called for a stretch that spells a pattern and has an escape in it. */
export type FoundEscaped = (start: number, end: number, pattern: number) => void;

/** To be made when there is an escape: what was before is read again. */
export interface EscapedSearch {
  readonly texts: EscapedTexts;
  readonly family: EscapeFamily;
  readonly reader: EscapeReader;
  /** By the numbers of what is decoded. */
  readonly places: Places;
  readonly cursor: Cursor;
  /** An escape's own octets may be some of a text, if it is none. */
  readonly isFirstInTexts: boolean;
  /** So far a text reaches before its last octet. */
  readonly reach: number;
  found: FoundEscaped;
  /** Where the octets stand that are read. */
  before: number;
  /** Where what is read ends. */
  readTo: number;
  state: number;
  /** Of what is decoded: how many there are, and the last that an escape stands for. */
  count: number;
  lastEscaped: number;
  /** How many there were before the last end of a line that was skipped. */
  broken: number;
  /** So many octets are still searched if none is escaped. */
  left: number;
  /** Where an escape begins that has not ended; below 0: there is none. */
  begun: number;
  /** Where the last one ended that was read octet by octet. */
  endedAt: number;
  /** Octets of the one that has begun, and the state after them as they are. */
  readonly own: Uint8Array;
  ownCount: number;
  ownState: number;
}

const NO_PLACE = -1;

export function createEscapedSearch(texts: EscapedTexts, family: EscapeFamily): EscapedSearch {
  const { automaton, longestPattern } = texts;
  return {
    texts,
    family,
    reader: family.open(),
    places: createPlaces(longestPattern),
    cursor: { at: 0, state: automaton.root },
    isFirstInTexts: texts.firsts.has(family.first),
    reach: longestPattern - 1,
    found: () => undefined,
    before: 0,
    readTo: NO_PLACE,
    state: automaton.root,
    count: 0,
    lastEscaped: -1,
    broken: 0,
    left: 0,
    begun: NO_PLACE,
    endedAt: NO_PLACE,
    own: new Uint8Array(LONGEST_ESCAPE),
    ownCount: 0,
    ownState: automaton.root,
  };
}

/** The first octet that may begin an escape, or the end. */
export function findEscape({ first, mayFollow }: EscapeFamily, octets: Buffer, from: number): number {
  for (let at = octets.indexOf(first, from); at >= 0; at = octets.indexOf(first, at + 1))
    if (mayFollow(octets[at + 1], octets[at + 2])) return at;
  return octets.length;
}

/** These octets stand at `before` of the stream; `tail` has those in front of them. */
export function searchEscaped(
  search: EscapedSearch,
  octets: Buffer,
  { before, tail, found }: { before: number; tail: StreamTail; found: FoundEscaped },
): void {
  search.before = before;
  search.found = found;
  for (let at = 0; at < octets.length;) {
    if (search.begun >= 0) at = readEscape(search, octets, at);
    else at = search.left > 0 ? readNear(search, octets, at) : skip(search, octets, at, tail);
  }
}

/** Goes to the next escape and begins it, or to the end. Gives what follows. */
function skip(search: EscapedSearch, octets: Buffer, from: number, tail: StreamTail): number {
  const { family, before, reach } = search;
  const at = findEscape(family, octets, from);
  if (at === octets.length) return at;
  // No text with the escape begins earlier. What is read already is not read again.
  const earliest = Math.max(before + at - reach, 0);
  if (search.readTo < earliest) restart(search, earliest);
  if (search.readTo < before) readEarlier(search, tail.last(before - search.readTo));
  readRaw(search, octets, search.readTo - before, at);
  return beginEscape(search, octets, at);
}

function restart(search: EscapedSearch, offset: number): void {
  search.state = search.texts.automaton.root;
  search.count = 0;
  search.lastEscaped = -1;
  search.broken = 0;
  search.places.restart(offset);
  search.readTo = offset;
}

/** Octets of earlier reads, which stand where what is read ends. */
function readEarlier(search: EscapedSearch, octets: Uint8Array): void {
  const { before } = search;
  search.before = search.readTo;
  readRaw(search, octets, 0, octets.length);
  search.before = before;
}

/** Behind an escape, as far as a text reaches. */
function readNear(search: EscapedSearch, octets: Uint8Array, from: number): number {
  const { family, left } = search;
  const to = Math.min(octets.length, from + left);
  const at = readRaw(search, octets, from, to, family.first);
  search.left -= at - from;
  if (at === to) return at;
  if (family.mayFollow(octets[at + 1], octets[at + 2])) return beginEscape(search, octets, at);
  search.left -= 1;
  return readRaw(search, octets, at, at + 1);
}

/** Up to an octet that is `stop`, or `to`. Gives where that is. */
function readRaw(search: EscapedSearch, octets: Uint8Array, from: number, to: number, stop?: number): number {
  const { cursor, texts, before, count, lastEscaped } = search;
  cursor.at = from;
  cursor.state = search.state;
  while (texts.automaton.read(octets, cursor, to, stop))
    tell(search, cursor.state, count + cursor.at - from, lastEscaped, before + cursor.at);
  search.state = cursor.state;
  search.count += cursor.at - from;
  search.readTo = before + cursor.at;
  return cursor.at;
}

function beginEscape(search: EscapedSearch, octets: Uint8Array, at: number): number {
  const { family, reader, before, isFirstInTexts } = search;
  const length = isFirstInTexts ? 0 : family.readWhole(octets, at, reader);
  if (length > 0) {
    endEscape(search, before + at + length);
    search.endedAt = NO_PLACE;
    return at + length;
  }
  search.begun = before + at;
  reader.begin(search.begun === search.endedAt);
  search.ownState = search.state;
  search.ownCount = 0;
  readOwn(search, family.first, search.begun + 1);
  return at + 1;
}

/** Gives where what follows on the escape begins, or the end. */
function readEscape(search: EscapedSearch, octets: Uint8Array, from: number): number {
  const { reader, before } = search;
  for (let at = from; at < octets.length; at += 1) {
    const octet = octets[at] ?? 0;
    const progress = reader.read(octet);
    if (progress === NONE || progress === OVER) {
      if (progress === NONE) endNoEscape(search, before + at);
      else endEscape(search, before + at);
      return at;
    }
    readOwn(search, octet, before + at + 1);
    if (progress === WHOLE) {
      endEscape(search, before + at + 1);
      return at + 1;
    }
    // It may end here.
    decode(search, before + at + 1);
  }
  return octets.length;
}

/** An octet of an escape as what it is itself: a text may end with it. */
function readOwn(search: EscapedSearch, octet: number, end: number): void {
  const { own, isFirstInTexts, texts, count, lastEscaped } = search;
  own[search.ownCount] = octet;
  search.ownCount += 1;
  if (!isFirstInTexts) return;
  search.ownState = texts.automaton.step(search.ownState, octet);
  if (texts.automaton.isEnd(search.ownState))
    tell(search, search.ownState, count + search.ownCount, lastEscaped, end);
}

/** Gives the state after what the escape stands for, if it ends before `end`. */
function decode(search: EscapedSearch, end: number): number {
  const { reader, texts, count } = search;
  const lastEscaped = count + reader.count - 1;
  let { state } = search;
  if (isSkipped(search)) return state;
  for (let at = 0; at < reader.count; at += 1) {
    state = texts.automaton.step(state, reader.decoded[at] ?? 0);
    if (texts.automaton.isEnd(state)) tell(search, state, count + at + 1, lastEscaped, end);
  }
  return state;
}

/** What no pattern goes on with is left out: the state tells all patterns that are in what is left. */
function isSkipped({ texts, reader }: EscapedSearch): boolean {
  return texts.skipsBreaks && reader.count === 1 && isBreak(reader.decoded[0]);
}

function endEscape(search: EscapedSearch, end: number): void {
  search.state = decode(search, end);
  if (isSkipped(search)) search.broken = search.count;
  else search.count += search.reader.count;
  search.lastEscaped = search.count - 1;
  search.places.add(search.count, end);
  search.endedAt = end;
  search.readTo = end;
  search.left = search.reach;
  search.begun = NO_PLACE;
}

function endNoEscape(search: EscapedSearch, end: number): void {
  const { texts, own, ownCount } = search;
  if (search.isFirstInTexts) search.state = search.ownState;
  else {
    search.state = texts.automaton.root;
    for (let at = 1; at < ownCount; at += 1) search.state = texts.automaton.step(search.state, own[at] ?? 0);
  }
  search.count += ownCount;
  search.left = Math.max(search.left - ownCount, 0);
  search.readTo = end;
  search.begun = NO_PLACE;
}

/** Patterns end in that state, `decoded` octets on, of which `lastEscaped` is the last from an escape. */
function tell(search: EscapedSearch, state: number, decoded: number, lastEscaped: number, end: number): void {
  const { texts, places, found } = search;
  texts.automaton.endings(state, (pattern, length) => {
    if (length > texts.longestPattern || decoded - length > lastEscaped) return;
    if (decoded - length < search.broken && !texts.isDigits(pattern)) return;
    const start = places.of(decoded - length);
    if (end - start >= texts.shortest && end - start <= texts.longest) found(start, end, pattern);
  });
}
