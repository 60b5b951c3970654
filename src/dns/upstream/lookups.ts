/**
 * Lookups under way at the upstreams. Objects are used again, so that a forwarded lookup leaves no garbage
 * behind. No `Map` here: one that grows and shrinks all the time leaves a chain of tables, each of which
 * keeps the next one from being collected young.
 */
import type { DomainName } from "../../policy/domain-name.ts";
import type { Region } from "../../sys/region.ts";
import { createSlotIndex, hashText, NO_SLOT } from "../../tables/slot-index.ts";
import { NO_WAITER } from "../delivery/waiters.ts";
import { MAX_NAME_OCTETS } from "../wire/constants.ts";

/** No upstream has said anything of use. */
export const NOTHING_HEARD = -1;
/** How often upstreams are asked for one lookup. */
export const MAX_TRIES = 8;
export const QUESTION_ROOM = MAX_NAME_OCTETS + 5;

/** A "no" that is kept for the end of its lookup; see `held-answers.ts`. */
export interface HeldAnswer {
  readonly octets: Buffer;
  readonly upstream: number;
  readonly overTcp: boolean;
  /** It counts only if no upstream says more: see `Worth.empty`. */
  readonly isLastResort: boolean;
}

export interface Lookup {
  /** Where it stands in the table while it is under way. */
  slot: number;
  /** Grows with every use of the object: tells a late answer from one for its successor. */
  serial: number;
  qname: DomainName;
  /** `questionKind` of what was asked. */
  kind: number;
  /** Whom it counts for if it has to share: see `bounds/lookup-groups.ts`. */
  group: number;
  qtype: number;
  checkingDisabled: boolean;
  dnssecOk: boolean;
  /** The question section as it was sent, letter case drawn; room of its own in the arena. */
  readonly askedAt: number;
  questionOctets: number;
  /** Chain of rows in the waiter table. */
  firstWaiter: number;
  /** Chain of slots in which `Attempts` keeps what has been sent for it. */
  firstAttempt: number;
  /**
   * Index of the upstream asked last, at the end of the one that answered; and how many times any was asked.
   */
  upstream: number;
  tries: number;
  /**
   * Upstreams asked, those heard from, and those that are of no more use to this lookup: the bit of its index
   * for each.
   */
  asked: number;
  heard: number;
  exhausted: number;
  /**
   * Upstreams asked in another style than the usual, and those whose "no" to mixed case is being asked for
   * once more.
   */
  askedPlainly: number;
  doubted: number;
  /** The upstream that has answered without the question's letter case; -1 for none. */
  foldedBy: number;
  /** Whether `askedAt` has the letter case that was drawn. */
  isDrawn: boolean;
  /** A "no" that waits for upstreams which stand before the one that gave it, and until when. */
  held: HeldAnswer | undefined;
  heldUntilMs: number;
  /** The last rcode heard, or NOTHING_HEARD. */
  lastRcode: number;
  edns: boolean;
  /** Whether a TCP exchange is under way. */
  overTcp: boolean;
  nextTryMs: number;
  deadlineMs: number;
}

export interface LookupTable {
  /** The lookup under way for the name and kind. */
  find(qname: DomainName, kind: number): Lookup | undefined;
  /** A fresh one, or undefined when there are too many. */
  open(qname: DomainName, kind: number): Lookup | undefined;
  /** Takes it out and keeps the object for later. */
  close(lookup: Lookup): void;
  /** Those under way now, the oldest first. */
  all(): readonly Lookup[];
  size(): number;
}

export function createLookupTable(region: Region, capacity: number, seed: number): LookupTable {
  const index = createSlotIndex(capacity);
  const underWay: (Lookup | undefined)[] = [];
  const idle: Lookup[] = [];
  const isFor = (lookup: Lookup | undefined, qname: DomainName, kind: number): boolean =>
    lookup?.kind === kind && lookup.qname === qname;
  return {
    find(qname, kind) {
      let slot = index.first(hashText(qname, seed ^ kind));
      while (slot !== NO_SLOT && !isFor(underWay[slot], qname, kind)) slot = index.next(slot);
      return underWay[slot];
    },
    open(qname, kind) {
      const slot = index.add(hashText(qname, seed ^ kind));
      if (slot === NO_SLOT) return undefined;
      const lookup = idle.pop() ?? createLookup(region.take(QUESTION_ROOM), qname);
      lookup.slot = slot;
      lookup.qname = qname;
      lookup.kind = kind;
      underWay[slot] = lookup;
      return lookup;
    },
    close(lookup) {
      index.remove(lookup.slot);
      underWay[lookup.slot] = undefined;
      lookup.serial += 1;
      lookup.firstWaiter = NO_WAITER;
      idle.push(lookup);
    },
    all() {
      const list: Lookup[] = [];
      for (let slot = index.oldest(); slot !== NO_SLOT; slot = index.newer(slot)) {
        const lookup = underWay[slot];
        if (lookup) list.push(lookup);
      }
      return list;
    },
    size: index.size,
  };
}

function createLookup(askedAt: number, qname: DomainName): Lookup {
  return {
    slot: NO_SLOT,
    serial: 0,
    qname,
    kind: 0,
    group: 0,
    qtype: 0,
    checkingDisabled: false,
    dnssecOk: false,
    askedAt,
    questionOctets: 0,
    firstWaiter: NO_WAITER,
    firstAttempt: NO_SLOT,
    upstream: 0,
    tries: 0,
    asked: 0,
    heard: 0,
    exhausted: 0,
    askedPlainly: 0,
    doubted: 0,
    foldedBy: -1,
    isDrawn: false,
    held: undefined,
    heldUntilMs: 0,
    lastRcode: NOTHING_HEARD,
    edns: true,
    overTcp: false,
    nextTryMs: 0,
    deadlineMs: 0,
  };
}
