/**
 * What the streams do, done plainly: on the whole text at once, looking at each place. Characters are octets.
 */

import { findAsItIs, type PlainStretch } from "./plain-escapes.ts";

/** No octet. */
const MARK = "\u{100}";

/** Each stretch that any of the texts covers becomes one mark. */
export function redactPlainly(
  texts: readonly string[],
  read: string,
  fill: (length: number) => string,
): string {
  return coverPlainly(
    texts.flatMap((text) => findAsItIs(text, read)),
    read,
    fill,
  );
}

/** What these stretches cover together becomes one mark for each run of it. */
export function coverPlainly(
  stretches: readonly PlainStretch[],
  read: string,
  fill: (length: number) => string,
): string {
  const covered = new Uint8Array(read.length);
  for (const { start, end } of stretches) covered.fill(1, start, end);
  return read
    .replaceAll(/[\s\S]/g, (char, index: number) => (covered[index] === 1 ? MARK : char))
    .replaceAll(/\u{100}+/gu, (run) => fill(run.length));
}

/** At each place the longest of the keys. */
export function substitutePlainly(fillings: ReadonlyMap<string, string>, read: string): string {
  const longestFirst = [...fillings].toSorted(([one], [other]) => other.length - one.length);
  let written = "";
  for (let at = 0; at < read.length;) {
    const [key = read[at] ?? "", value = key] = longestFirst.find(([one]) => read.startsWith(one, at)) ?? [];
    written += value;
    at += key.length;
  }
  return written;
}

/** The text in pieces of these lengths, over and over. */
export function cut(read: string, lengths: readonly number[]): readonly Buffer[] {
  const octets = Buffer.from(read, "latin1");
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < octets.length; turn += 1) {
    const length = Math.max(lengths[turn % lengths.length] ?? 1, turn % lengths.length === 0 ? 1 : 0);
    pieces.push(octets.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

export interface Stream {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

export function runStream(stream: Stream, pieces: readonly Buffer[]): string {
  const given = pieces.map((piece) => Buffer.from(stream.push(Buffer.from(piece))));
  return Buffer.concat([...given, stream.end()]).toString("latin1");
}
