/** Queries that have left over UDP and may still be answered: which lookup each belongs to, and how it was written. */
import type { Arena } from "../../sys/arena.ts";
import { MAX_TRIES, type Lookup } from "./lookups.ts";
import { createSlotIndex, NO_SLOT } from "../../tables/slot-index.ts";
import type { UpstreamTransport } from "./transport.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "../wire/upstream-query.ts";

export interface Attempts {
  /** Asks the upstream; false when no socket can be had for it. */
  send(lookup: Lookup, upstream: number): boolean;
  /** The lookup's query under another id, for TCP. */
  encode(lookup: Lookup, id: number): Buffer;
  lookupOf(attempt: number): Lookup | undefined;
  /** This one has been answered and its answer was of no use: a second copy of that is a stray. */
  end(lookup: Lookup, attempt: number): void;
  endAll(lookup: Lookup): void;
  /** The upstream answers in lower case whatever it is asked in: its questions carry no case from now on. */
  noteFoldedCase(upstream: number): void;
}

/** The tries that a lookup has, and one without EDNS. */
const ATTEMPTS_PER_LOOKUP = MAX_TRIES + 1;
const LOWER_CASE = (): number => 0;

export function createAttempts(
  arena: Arena,
  transport: UpstreamTransport,
  randomOctet: () => number,
  maxLookups: number,
): Attempts {
  const index = createSlotIndex(maxLookups * ATTEMPTS_PER_LOOKUP, maxLookups);
  const keys = new Int32Array(maxLookups * ATTEMPTS_PER_LOOKUP + 1);
  const lookups: (Lookup | undefined)[] = [];
  /** The next slot of the same lookup. */
  const nexts = new Uint32Array(maxLookups * ATTEMPTS_PER_LOOKUP + 1);
  const foldsCase = new Uint8Array(transport.count);
  /** One object each for all that is written: every lookup would leave one behind. */
  const header = { id: 0, authenticData: false, checkingDisabled: false, dnssecOk: false, edns: true };
  const question = { octets: arena.octets, from: 0, length: 0 };
  const isTaken = (attempt: number): boolean => find(attempt) !== NO_SLOT;

  /** The low bits of an attempt are its id, which is drawn: a hash as it stands. */
  function find(attempt: number): number {
    let slot = index.first(attempt);
    while (slot !== NO_SLOT && keys[slot] !== attempt) slot = index.next(slot);
    return slot;
  }

  function note(lookup: Lookup, attempt: number): void {
    const slot = index.add(attempt);
    keys[slot] = attempt;
    lookups[slot] = lookup;
    nexts[slot] = lookup.firstAttempt;
    lookup.firstAttempt = slot;
  }

  function unchain(lookup: Lookup, slot: number): void {
    const next = nexts[slot] ?? NO_SLOT;
    let before = lookup.firstAttempt;
    if (before === slot) {
      lookup.firstAttempt = next;
      return;
    }
    while (nexts[before] !== slot) before = nexts[before] ?? NO_SLOT;
    nexts[before] = next;
  }

  function remove(slot: number): void {
    index.remove(slot);
    lookups[slot] = undefined;
  }

  function write(
    lookup: Lookup,
    octets: Buffer,
    at: number,
    id: number,
    drawCase: (() => number) | undefined,
  ): number {
    header.id = id;
    header.authenticData = lookup.authenticData;
    header.checkingDisabled = lookup.checkingDisabled;
    header.dnssecOk = lookup.dnssecOk;
    header.edns = lookup.edns;
    question.from = lookup.askedAt;
    question.length = lookup.questionOctets;
    return writeUpstreamQuery(octets, at, question, header, drawCase);
  }

  /** The first try draws the letter case; later ones keep it, so that an answer to any of them is good. */
  function caseFor(lookup: Lookup, upstream: number): (() => number) | undefined {
    if (lookup.tries > 0) return undefined;
    return foldsCase[upstream] === 1 ? LOWER_CASE : randomOctet;
  }

  return {
    send(lookup, upstream) {
      const attempt = transport.draw(upstream, isTaken);
      if (attempt < 0) return false;
      const at = transport.reserve(upstreamQueryOctets(lookup.questionOctets));
      const length = write(lookup, arena.octets, at, attempt & 0xffff, caseFor(lookup, upstream));
      const written = at + HEADER_OCTETS;
      arena.octets.copyWithin(lookup.askedAt, written, written + lookup.questionOctets);
      transport.send(at, length);
      note(lookup, attempt);
      return true;
    },
    encode(lookup, id) {
      const octets = Buffer.alloc(upstreamQueryOctets(lookup.questionOctets));
      return octets.subarray(0, write(lookup, octets, 0, id, undefined));
    },
    lookupOf: (attempt) => lookups[find(attempt)],
    end(lookup, attempt) {
      const slot = find(attempt);
      if (slot === NO_SLOT || lookups[slot] !== lookup) return;
      unchain(lookup, slot);
      remove(slot);
    },
    endAll(lookup) {
      for (let slot = lookup.firstAttempt; slot !== NO_SLOT; slot = nexts[slot] ?? NO_SLOT) remove(slot);
      lookup.firstAttempt = NO_SLOT;
    },
    noteFoldedCase(upstream) {
      foldsCase[upstream] = 1;
    },
  };
}
