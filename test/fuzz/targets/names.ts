import { expandName, sameName, skipName } from "../../../src/dns/wire/compressed-name.ts";
import type { Random } from "../engine/random.ts";
import { makeName, uint16 } from "../engine/dns-messages.ts";
import { plainChecker, readAnywhere, type Target } from "../engine/target.ts";

const PLACES = 24;

/**
 * Compressed names anywhere in a message: read as by a plain walk that follows pointers back, or not at all.
 */
export const names: Target = {
  name: "names",
  seeds: "names",
  make: (random) =>
    Buffer.concat([Buffer.alloc(12), ...Array.from({ length: 2 + random.below(8) }, () => makePart(random))]),
  open: async () => plainChecker(check),
};

function makePart(random: Random): Buffer {
  const name = makeName(random, random.below(4));
  return random.once(2)
    ? name
    : Buffer.concat([name.subarray(0, -1), uint16(0xc000 | (12 + random.below(100)))]);
}

function check(input: Buffer, random: Random): string {
  const places = Array.from({ length: PLACES }, () => 12 + random.below(Math.max(input.length - 12, 1)));
  let good = 0;
  for (const [n, place] of places.entries()) {
    const other = places[(n + 1) % PLACES] ?? place;
    const ours = readAnywhere(input, (octets, start, end) => readAt(octets, start, end, place, other));
    const plain = expandPlainly(input, place);
    if (ours.name !== plain) throw new Error(`at ${place}: ${ours.name}, not ${plain}`);
    const plainOther = expandPlainly(input, other);
    const isSame = plain !== undefined && plainOther !== undefined && lower(plain) === lower(plainOther);
    // Of two malformed names nothing is said.
    const isTold = plain !== undefined || plainOther !== undefined;
    if (isTold && ours.isSame !== isSame)
      throw new Error(`${place} and ${other} are the same: ${ours.isSame}`);
    if (plain !== undefined) good += 1;
  }
  return good === 0 ? "none" : good === PLACES ? "all" : "some";
}

function readAt(octets: Buffer, start: number, end: number, place: number, other: number) {
  const out = Buffer.alloc(512);
  const after = expandName(octets, start, start + place, end, { octets: out, at: 0 });
  const skipped = skipName(octets, start + place, end);
  return {
    name: after < 0 ? undefined : asText(out.subarray(0, after)),
    skipped: skipped < 0 ? -1 : skipped - start,
    isSame: sameName(octets, start, start + place, start + other, end),
  };
}

/** Labels in latin1, each behind its length, so that no dot inside a label is taken for a border. */
function asText(wire: Buffer): string {
  return wire.toString("latin1");
}

const lower = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

function expandPlainly(message: Buffer, at: number): string | undefined {
  const parts: Buffer[] = [];
  let octets = 0;
  let inARow = 0;
  for (let place = at; ;) {
    const length = message[place];
    if (length === undefined) return undefined;
    if (length >= 0xc0) {
      if (place + 2 > message.length) return undefined;
      const to = message.readUInt16BE(place) & 0x3fff;
      if (to >= place || to < 12) return undefined;
      inARow += 1;
      if (inARow > 16) return undefined;
      place = to;
      continue;
    }
    inARow = 0;
    if (length > 63 || place + 1 + length > message.length) return undefined;
    octets += 1 + length;
    if (octets > 255) return undefined;
    parts.push(message.subarray(place, place + 1 + length));
    if (length === 0) return asText(Buffer.concat(parts));
    place += 1 + length;
  }
}
