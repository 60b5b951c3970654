/**
 * The system's random numbers. Parts that need some take these functions, or what they have drawn, as
 * parameters.
 */
import { randomFillSync, randomInt } from "node:crypto";
import { createArena } from "./arena.ts";
import { mustCall } from "./libc.ts";

/** 32 bits, for the hash of one table: nobody can choose keys that fall together. */
export function drawSeed(): number {
  return randomInt(2 ** 32);
}

/** Fills all of it. */
export function fillRandom(octets: Uint8Array): void {
  randomFillSync(octets);
}

/**
 * That many octets, up to 256, as hexadecimal digits. Without Node's crypto module, which takes 7 ms to load.
 * Throws SystemCallError.
 */
export function drawHex(octets: number): string {
  const drawn = createArena(octets);
  // getrandom(2) gives up to 256 octets whole.
  mustCall("random octets", "getrandom", drawn.address(0), octets, 0);
  return drawn.octets.toString("hex", 0, octets);
}
