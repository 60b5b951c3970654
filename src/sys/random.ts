/** The system's random numbers. Parts that need some take these functions, or what they have drawn, as parameters. */
import { randomFillSync, randomInt } from "node:crypto";

/** 32 bits, for the hash of one table: nobody can choose keys that fall together. */
export function drawSeed(): number {
  return randomInt(2 ** 32);
}

/** Fills all of it. */
export function fillRandom(octets: Uint8Array): void {
  randomFillSync(octets);
}
