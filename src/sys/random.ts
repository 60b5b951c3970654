/**
 * The system's random numbers, by getrandom(2): Node's crypto module takes 6 ms of a start to load. Parts
 * that need some take these functions, or what they have drawn, as parameters.
 */
import { type Arena, createArena } from "./arena.ts";
import { mustCall } from "./libc.ts";

/** 32 bits, for the hash of one table: nobody can choose keys that fall together. Throws SystemCallError. */
export function drawSeed(): number {
  return drawOctets(4).readUInt32LE(0);
}

/**
 * A whole number from 0 to `limit - 1`, each as likely as the others; `limit` up to 2^32. Throws
 * SystemCallError.
 */
export function drawBelow(limit: number): number {
  const even = RANGE - (RANGE % limit);
  for (;;) {
    const drawn = drawOctets(DRAWN_OCTETS).readUIntLE(0, DRAWN_OCTETS);
    if (drawn < even) return drawn % limit;
  }
}

/** A whole number from `first` to `end - 1`, each as likely as the others. Throws SystemCallError. */
export function drawFrom(first: number, end: number): number {
  return first + drawBelow(end - first);
}

/** Fills all of it. Throws SystemCallError. */
export function fillRandom(octets: Uint8Array): void {
  for (let at = 0; at < octets.length; at += ROOM) {
    octets.set(drawOctets(Math.min(ROOM, octets.length - at)), at);
  }
}

/** That many octets, up to 8,192, as hexadecimal digits. Throws SystemCallError. */
export function drawHex(octets: number): string {
  return drawOctets(octets).toString("hex");
}

const DRAWN_OCTETS = 6;
const RANGE = 2 ** (8 * DRAWN_OCTETS);
const ROOM = 8192;
/** A signal may cut short what is more. */
const GIVEN_WHOLE = 256;
let room: Arena | undefined;

/** Up to `ROOM`; the next call writes over them. */
function drawOctets(count: number): Buffer {
  room ??= createArena(ROOM);
  for (let at = 0; at < count; at += GIVEN_WHOLE)
    mustCall("random octets", "getrandom", room.address(at), Math.min(GIVEN_WHOLE, count - at), 0);
  return room.octets.subarray(0, count);
}
