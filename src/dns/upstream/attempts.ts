/**
 * Queries that have left over UDP and may still be answered: which lookup each belongs to, and in what style
 * it was asked. Those that are unanswered when their lookup ends are remembered for a while, since a late
 * answer is a sign of life.
 */
import type { Arena } from "../../sys/arena.ts";
import { MAX_TRIES, type Lookup } from "./lookups.ts";
import { createSlotIndex, NO_SLOT } from "../../tables/slot-index.ts";
import type { UpstreamTransport } from "./transport.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { Style } from "./habits.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "../wire/upstream-query.ts";

export interface Attempts {
  /** Asks the upstream in a style (`Style` bits); false when no socket can be had for it. */
  send(lookup: Lookup, upstream: number, style: number): boolean;
  /** The lookup's query under another id, for TCP. */
  encode(lookup: Lookup, id: number, style: number): Buffer;
  lookupOf(attempt: number): Lookup | undefined;
  styleOf(attempt: number): number;
  /** This one has been answered: a second answer to it is unmatched. Returns its style. */
  end(lookup: Lookup, attempt: number): number;
  endAll(lookup: Lookup): void;
  /** Whether the attempt belonged to a lookup that has ended, and had no answer yet. Then it has one now. */
  endLate(attempt: number): boolean;
}

/** The tries that a lookup has, and one without EDNS. */
const ATTEMPTS_PER_LOOKUP = MAX_TRIES + 1;
/** Unanswered attempts of lookups that have ended; the oldest is forgotten for the newest. */
const MAX_LATE = 1024;
const LOWER_CASE = (): number => 0;

export function createAttempts(
  arena: Arena,
  transport: UpstreamTransport,
  randomOctet: () => number,
  maxLookups: number,
): Attempts {
  const capacity = maxLookups * ATTEMPTS_PER_LOOKUP + MAX_LATE;
  const index = createSlotIndex(capacity, maxLookups);
  const keys = new Int32Array(capacity + 1);
  const styles = new Uint8Array(capacity + 1);
  const lookups: (Lookup | undefined)[] = [];
  /** The next slot of the same lookup. */
  const nexts = new Uint32Array(capacity + 1);
  /** Keys of late attempts, used in turn. One that has been answered since is no longer in the index. */
  const late = new Int32Array(MAX_LATE);
  let latest = 0;
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

  function note(lookup: Lookup, attempt: number, style: number): void {
    const slot = index.add(attempt);
    keys[slot] = attempt;
    styles[slot] = style;
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

  function keepLate(slot: number): void {
    lookups[slot] = undefined;
    endLate(late[latest] ?? 0);
    late[latest] = keys[slot] ?? 0;
    latest = (latest + 1) % MAX_LATE;
  }

  function endLate(attempt: number): boolean {
    const slot = find(attempt);
    if (slot === NO_SLOT || lookups[slot] !== undefined) return false;
    index.remove(slot);
    return true;
  }

  function write(lookup: Lookup, octets: Buffer, at: number, id: number, style: number): number {
    header.id = id;
    // Always asked for, so that one answer serves who wants AD and who does not (RFC 6840 section 5.7); not
    // where even EDNS is refused.
    header.authenticData = lookup.edns;
    header.checkingDisabled = lookup.checkingDisabled;
    header.dnssecOk = lookup.dnssecOk;
    header.edns = lookup.edns && (style & Style.withoutEdns) === 0;
    question.from = lookup.askedAt;
    question.length = lookup.questionOctets;
    return writeUpstreamQuery(octets, at, question, header, caseFor(lookup, style));
  }

  /**
   * The first hardened try draws the letter case; later ones keep it, so that an answer to any of them is
   * good.
   */
  function caseFor(lookup: Lookup, style: number): (() => number) | undefined {
    if ((style & Style.lowerCase) !== 0) return LOWER_CASE;
    return lookup.isDrawn ? undefined : randomOctet;
  }

  /** Keeps the question as it was drawn, to compare answers with. */
  function keepDrawn(lookup: Lookup, at: number): void {
    const written = at + HEADER_OCTETS;
    arena.octets.copyWithin(lookup.askedAt, written, written + lookup.questionOctets);
    lookup.isDrawn = true;
  }

  return {
    send(lookup, upstream, style) {
      const attempt = transport.draw(upstream, isTaken);
      if (attempt < 0) return false;
      const at = transport.reserve(upstreamQueryOctets(lookup.questionOctets));
      const length = write(lookup, arena.octets, at, attempt & 0xffff, style);
      if (!lookup.isDrawn && (style & Style.lowerCase) === 0) keepDrawn(lookup, at);
      transport.send(at, length);
      note(lookup, attempt, style);
      return true;
    },
    encode(lookup, id, style) {
      const octets = Buffer.alloc(upstreamQueryOctets(lookup.questionOctets));
      const keepsCase = lookup.isDrawn ? style : style | Style.lowerCase;
      return octets.subarray(0, write(lookup, octets, 0, id, keepsCase));
    },
    lookupOf: (attempt) => lookups[find(attempt)],
    styleOf: (attempt) => styles[find(attempt)] ?? Style.hardened,
    end(lookup, attempt) {
      const slot = find(attempt);
      if (slot === NO_SLOT || lookups[slot] !== lookup) return Style.hardened;
      unchain(lookup, slot);
      remove(slot);
      return styles[slot] ?? Style.hardened;
    },
    endAll(lookup) {
      for (let slot = lookup.firstAttempt; slot !== NO_SLOT; slot = nexts[slot] ?? NO_SLOT) keepLate(slot);
      lookup.firstAttempt = NO_SLOT;
    },
    endLate,
  };
}
