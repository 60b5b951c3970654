/** Lookups under way at the upstreams. Objects are used again, so that a forwarded lookup leaves no garbage behind. */
import type { DomainName } from "../policy/domain-name.ts";
import type { Region } from "../sys/datagrams.ts";
import { NO_WAITER } from "./waiters.ts";
import { MAX_NAME_OCTETS } from "./wire/constants.ts";

/** No upstream has said anything of use. */
export const NOTHING_HEARD = -1;
export const QUESTION_ROOM = MAX_NAME_OCTETS + 5;

export interface Lookup {
  /** Grows with every use of the object: tells a late answer from one for its successor. */
  serial: number;
  key: string;
  qname: DomainName;
  qtype: number;
  authenticData: boolean;
  checkingDisabled: boolean;
  dnssecOk: boolean;
  /** The question section as it was sent, letter case drawn; room of its own in the arena. */
  readonly askedAt: number;
  questionOctets: number;
  /** Chain of rows in the waiter table. */
  firstWaiter: number;
  /** Keys under which answers may come in. */
  readonly attempts: number[];
  /** Index of the upstream asked last, and how many times any was. */
  upstream: number;
  tries: number;
  /** Upstreams asked, and those that answered with neither data nor a clear no: the bit of its index for each. */
  asked: number;
  unhelpful: number;
  /** The last rcode heard, or NOTHING_HEARD. */
  lastRcode: number;
  edns: boolean;
  /** Whether a TCP exchange is under way. */
  overTcp: boolean;
  nextTryMs: number;
  deadlineMs: number;
}

export interface LookupTable {
  /** The lookup under way for the key. */
  find(key: string): Lookup | undefined;
  /** A fresh one, or undefined when there are too many. */
  open(key: string, qname: DomainName): Lookup | undefined;
  /** Takes it out and keeps the object for later. */
  close(lookup: Lookup): void;
  all(): IterableIterator<Lookup>;
  readonly size: number;
}

export function createLookupTable(region: Region, capacity: number): LookupTable {
  const underWay = new Map<string, Lookup>();
  const idle: Lookup[] = [];
  let made = 0;
  return {
    find: (key) => underWay.get(key),
    open(key, qname) {
      let lookup = idle.pop();
      if (lookup === undefined) {
        if (made === capacity) return undefined;
        made += 1;
        lookup = createLookup(region.take(QUESTION_ROOM), qname);
      }
      lookup.key = key;
      lookup.qname = qname;
      underWay.set(key, lookup);
      return lookup;
    },
    close(lookup) {
      underWay.delete(lookup.key);
      lookup.serial += 1;
      lookup.firstWaiter = NO_WAITER;
      idle.push(lookup);
    },
    all: () => underWay.values(),
    get size() {
      return underWay.size;
    },
  };
}

function createLookup(askedAt: number, qname: DomainName): Lookup {
  return {
    serial: 0,
    key: "",
    qname,
    qtype: 0,
    authenticData: false,
    checkingDisabled: false,
    dnssecOk: false,
    askedAt,
    questionOctets: 0,
    firstWaiter: NO_WAITER,
    attempts: [],
    upstream: 0,
    tries: 0,
    asked: 0,
    unhelpful: 0,
    lastRcode: NOTHING_HEARD,
    edns: true,
    overTcp: false,
    nextTryMs: 0,
    deadlineMs: 0,
  };
}
