import type { Random } from "./random.ts";

/** The longest input that is made. */
export const MAX_OCTETS = 4096;

type Mutation = (random: Random, octets: Buffer, other: Buffer) => Buffer;

/** Octets that mean something somewhere: lengths at their bounds, pointers, line ends, brackets. */
const TELLING = Buffer.from([
  0, 1, 2, 12, 0x29, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff, 10, 13, 32, 34, 35, 44, 91, 93,
]);

const at = (random: Random, octets: Buffer): number => random.below(octets.length + 1);

function cut(octets: Buffer, from: number, to: number, instead: Uint8Array): Buffer {
  return Buffer.concat([octets.subarray(0, from), instead, octets.subarray(to)]);
}

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  // A bit.
  (random, octets) => overwrite(octets, at(random, octets), (old) => old ^ (1 << random.below(8))),
  // An octet.
  (random, octets) => overwrite(octets, at(random, octets), () => random.below(256)),
  (random, octets) => overwrite(octets, at(random, octets), () => TELLING[random.below(TELLING.length)] ?? 0),
  // A length of two octets that lies, either way round.
  (random, octets) => cutIn(octets, at(random, octets), Buffer.of(0, random.below(64))),
  (random, octets) => cutIn(octets, at(random, octets), Buffer.of(random.below(64), 0)),
  (random, octets) =>
    cutIn(
      octets,
      at(random, octets),
      random.pick([Buffer.of(0xff, 0xff), Buffer.of(0, 0), Buffer.of(0xff, 0xff, 0xff, 0xff)]),
    ),
  // A pointer, to where it stands or near it.
  (random, octets) => {
    const place = at(random, octets);
    return cutIn(
      octets,
      place,
      Buffer.of(0xc0 | ((place >> 8) & 0x3f), Math.max((place & 0xff) - random.below(8), 0)),
    );
  },
  // An end too early.
  (random, octets) => octets.subarray(0, at(random, octets)),
  // Something taken out, put in, or twice.
  (random, octets) => {
    const from = at(random, octets);
    return cut(octets, from, from + random.below(16), Buffer.alloc(0));
  },
  (random, octets) => {
    const place = at(random, octets);
    return cut(octets, place, place, random.octets(1 + random.below(8)));
  },
  (random, octets) => {
    const from = at(random, octets);
    const piece = octets.subarray(from, from + random.below(64));
    const times = random.once(8) ? 1 + random.below(64) : 1;
    return cut(octets, from, from, Buffer.concat(Array.from({ length: times }, () => piece)));
  },
  // The head of one and the tail of another.
  (random, octets, other) =>
    cut(octets, at(random, octets), octets.length, other.subarray(at(random, other))),
];

/** A changed copy, of at most MAX_OCTETS. `other` is what it may be spliced with. */
export function mutate(random: Random, octets: Buffer, other: Buffer): Buffer {
  let changed = Buffer.from(octets);
  for (let left = 1 + random.below(random.once(4) ? 12 : 3); left > 0; left--) {
    changed = Buffer.from(random.pick(MUTATIONS)(random, changed, other).subarray(0, MAX_OCTETS));
  }
  return changed;
}

function overwrite(octets: Buffer, place: number, change: (old: number) => number): Buffer {
  const old = octets[place];
  return old === undefined ? octets : cutIn(octets, place, Buffer.of(change(old) & 0xff));
}

function cutIn(octets: Buffer, place: number, instead: Buffer): Buffer {
  return cut(octets, place, Math.min(place + instead.length, octets.length), instead);
}
