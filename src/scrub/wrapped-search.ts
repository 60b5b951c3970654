/**
 * Finds digits of base64 and hexadecimal ones that lie in several lines, each but the last with enough of
 * them to be a line of digits. Looked at is what stands around the ends of such lines, whatever it is: how
 * much that is tells nothing of texts that have begun.
 */
import { CR, LF } from "../relay/gate/octets.ts";
import type { Automaton, Cursor } from "./automaton.ts";
import {
  endOfDigits,
  FEWEST_IN_A_LINE,
  findDigitLine,
  isLineDigit,
  lastDigits,
  octetAt,
  type Octets,
} from "./digit-lines.ts";
import { createPlaces, type Places } from "./places.ts";
import type { StreamTail } from "./stream-tail.ts";

export interface WrappedTexts {
  readonly automaton: Automaton;
  /** Of the longest pattern of digits. */
  readonly longestDigits: number;
  /** Of what is told, with the ends of lines in it. */
  readonly longest: number;
  isDigits(pattern: number): boolean;
}

export interface WrappedSearch {
  readonly texts: WrappedTexts;
  readonly found: FoundWrapped;
  /** By the numbers of digits. */
  readonly places: Places;
  readonly cursor: Cursor;
  place: Place;
  /** Of the digits: how many were read, how many of them before the last line's end, and behind that. */
  count: number;
  broken: number;
  inLine: number;
}

/** Called for a stretch that spells a pattern and has the end of a line in it. */
export type FoundWrapped = (start: number, end: number, pattern: number) => void;

/** `elsewhere`: behind no such line. `return`: a CR has come. `margin`: blanks at a line's beginning. */
type Place = "elsewhere" | "digits" | "return" | "margin";

/** So many octets in front of those that are read are looked at. */
export function wrappedReach({ longestDigits }: Pick<WrappedTexts, "longestDigits">): number {
  return Math.max(longestDigits - 1, FEWEST_IN_A_LINE) + "\r".length;
}

export function createWrappedSearch(texts: WrappedTexts, found: FoundWrapped): WrappedSearch {
  const places = createPlaces(texts.longestDigits);
  const cursor = { at: 0, state: texts.automaton.root };
  return { texts, found, places, cursor, place: "elsewhere", count: 0, broken: 0, inLine: 0 };
}

/** These octets stand at `before` of the stream; `tail` has those in front of them. */
export function searchWrapped(search: WrappedSearch, octets: Buffer, before: number, tail: StreamTail): void {
  for (let at = 0; at < octets.length;)
    at =
      search.place === "elsewhere"
        ? enter(search, { octets, earlier: tail.last(wrappedReach(search.texts)) }, at, before)
        : readOn(search, octets, at, before);
}

/** Goes to the end of a line of digits, or to the end. Gives what follows. */
function enter(search: WrappedSearch, given: Octets, from: number, before: number): number {
  const { texts, places, cursor } = search;
  const lineEnd = findLineEnd(given, from);
  if (lineEnd < 0) return given.octets.length;
  const { start, end } = lastDigits(given, lineEnd, wrappedReach(texts));
  places.restart(before + start);
  cursor.state = texts.automaton.root;
  for (let at = start; at < end; at += 1)
    cursor.state = texts.automaton.step(cursor.state, octetAt(given, at) ?? 0);
  search.count = end - start;
  search.place = "margin";
  return lineEnd + 1;
}

const TAB = 0x09;
const BLANK = 0x20;

/** Behind the end of a line of digits. Gives where what follows begins. */
function readOn(search: WrappedSearch, octets: Buffer, from: number, before: number): number {
  const at = search.place === "digits" ? readDigits(search, octets, from, before) : from;
  const octet = octets[at];
  if (octet === undefined) return at;
  if (search.place === "margin" && isLineDigit(octet)) {
    beginLine(search, before + at);
    return at;
  }
  search.place = placeAfter(search, octet);
  return search.place === "elsewhere" ? at : at + 1;
}

/** Behind what is no digit. */
function placeAfter({ place, inLine }: WrappedSearch, octet: number): Place {
  if (place === "margin") return octet === BLANK || octet === TAB ? "margin" : "elsewhere";
  if (inLine < FEWEST_IN_A_LINE) return "elsewhere";
  if (octet === LF) return "margin";
  return octet === CR && place === "digits" ? "return" : "elsewhere";
}

function beginLine(search: WrappedSearch, offset: number): void {
  search.places.add(search.count, offset);
  search.broken = search.count;
  search.inLine = 0;
  search.place = "digits";
}

/** Gives where they end. */
function readDigits(search: WrappedSearch, octets: Buffer, from: number, before: number): number {
  const { cursor, texts } = search;
  const end = endOfDigits(octets, from);
  const first = search.count - from;
  cursor.at = from;
  while (texts.automaton.read(octets, cursor, end)) tell(search, first + cursor.at, before + cursor.at);
  search.count = first + end;
  search.inLine += end - from;
  return end;
}

/** Patterns end with the last of so many digits. */
function tell({ texts, places, cursor, broken, found }: WrappedSearch, digits: number, end: number): void {
  texts.automaton.endings(cursor.state, (pattern, length) => {
    if (digits - length >= broken || length > texts.longestDigits || !texts.isDigits(pattern)) return;
    const start = places.of(digits - length);
    if (end - start <= texts.longest) found(start, end, pattern);
  });
}

/** A line that ends before that may have begun in earlier octets. */
const FIRST_LINE = FEWEST_IN_A_LINE + "\r\n".length;

/** Of the next line of digits; below 0 if there is none. */
function findLineEnd(given: Octets, from: number): number {
  const { octets } = given;
  for (let at = from; at < Math.min(FIRST_LINE, octets.length); at += 1) {
    if (octets[at] !== LF) continue;
    const { start, end } = lastDigits(given, at, FEWEST_IN_A_LINE);
    if (end - start === FEWEST_IN_A_LINE) return at;
  }
  return findDigitLine(octets, Math.max(from, FIRST_LINE));
}
