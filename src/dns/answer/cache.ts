/**
 * Answers, kept for their TTL. Bounded by entries and octets; the oldest go first. Deciding is not its
 * business: ask the policy first.
 *
 * All entries lie in one piece of memory that is written round and round, so that none leaves anything for V8
 * to collect:
 *
 *     entry  nameOctets:2 bodyOctets:2 authentic:1bit+data:1bit+rcode:14bit ede+1:2 answerCount:2 authorityCount:2 ttlSeconds:2 ttlCount:2 addressCount:2
 *            addressOctets:2 | qname:nameOctets | body:bodyOctets | ttlAt:2 each | addressAt:2 each
 */
import type { DomainName } from "../../policy/domain-name.ts";
import type { PreparedAnswer } from "./prepared-answer.ts";
import { createSlotIndex, hashText, NO_SLOT } from "../../tables/slot-index.ts";
import { read16, write16 } from "../wire/query.ts";

export const NOT_CACHED = NO_SLOT;

/**
 * Questions are known by name and kind (`questionKind`), an entry by a number, which stays good until the
 * next `store` or `clear`.
 */
export interface AnswerCache {
  /** The entry, as long as it has at least a second to live; otherwise NOT_CACHED. */
  find(qname: DomainName, kind: number, nowMs: number): number;
  ageSeconds(entry: number, nowMs: number): number;
  /**
   * Fills `into`, its serial number included; its octets are the cache's own, and stay as they are until the
   * next `store`.
   */
  read(entry: number, into: PreparedAnswer): void;
  /** Keeps a copy. Answers without a TTL are not kept, nor one that has no room. */
  store(qname: DomainName, kind: number, answer: PreparedAnswer, nowMs: number): void;
  clear(): void;
  size(): number;
}

/** Stand with the rcode, which has 12 bits. */
const AUTHENTIC = 0x8000;
const WITH_DATA = 0x4000;
const LAST_SERIAL = 0x3fff_ffff;

const FACTS = {
  nameOctets: 0,
  bodyOctets: 2,
  rcode: 4,
  ede: 6,
  answers: 8,
  authorities: 10,
  ttl: 12,
} as const;
const COUNTS = { ttls: 14, addresses: 16, addressOctets: 18 } as const;
const FACTS_OCTETS = 20;

export function createAnswerCache(seed: number, maxEntries: number, maxOctets: number): AnswerCache {
  const index = createSlotIndex(maxEntries);
  const ring = Buffer.from(new ArrayBuffer(maxOctets));
  const starts = new Uint32Array(maxEntries + 1);
  const kinds = new Uint32Array(maxEntries + 1);
  const storedAtMs = new Float64Array(maxEntries + 1);
  const serials = new Uint32Array(maxEntries + 1);
  let lastSerial = 0;
  /** Where the next entry goes. What lies at it and behind it is older than what lies before it. */
  let head = 0;

  function isFor(entry: number, qname: DomainName, kind: number): boolean {
    const start = starts[entry] ?? 0;
    if (kinds[entry] !== kind || read16(ring, start + FACTS.nameOctets) !== qname.length) return false;
    for (let i = 0; i < qname.length; i++) {
      if (ring[start + FACTS_OCTETS + i] !== qname.charCodeAt(i)) return false;
    }
    return true;
  }

  function lookUp(qname: DomainName, kind: number, hash: number): number {
    let entry = index.first(hash);
    while (entry !== NO_SLOT && !isFor(entry, qname, kind)) entry = index.next(entry);
    return entry;
  }

  /** Lets the oldest go where they lie in `ring[head, end)`. */
  function clearUpTo(end: number): void {
    for (let oldest = index.oldest(); oldest !== NO_SLOT; oldest = index.oldest()) {
      const start = starts[oldest] ?? 0;
      if (start < head || start >= end) return;
      index.remove(oldest);
    }
  }

  /**
   * Whether all there is lies before the head, and before it there is as much room again: then no more memory
   * need be touched.
   */
  function mayTurnEarly(): boolean {
    const tail = starts[index.oldest()] ?? 0;
    return index.size() === maxEntries - 1 && tail < head && tail >= head - tail;
  }

  function reserve(octets: number): number {
    if (mayTurnEarly()) {
      head = 0;
    } else if (head + octets > maxOctets) {
      clearUpTo(maxOctets);
      head = 0;
    }
    clearUpTo(head + octets);
    const start = head;
    head += octets;
    return start;
  }

  return {
    find(qname, kind, nowMs) {
      const entry = lookUp(qname, kind, hashText(qname, seed ^ kind));
      if (entry === NO_SLOT) return NOT_CACHED;
      const ttlSeconds = read16(ring, (starts[entry] ?? 0) + FACTS.ttl);
      if (nowMs - (storedAtMs[entry] ?? 0) < (ttlSeconds - 1) * 1000) return entry;
      index.remove(entry);
      return NOT_CACHED;
    },
    ageSeconds: (entry, nowMs) => Math.floor((nowMs - (storedAtMs[entry] ?? 0)) / 1000),
    read(entry, into) {
      into.serial = serials[entry] ?? 0;
      readEntry(ring, starts[entry] ?? 0, into);
    },
    store(qname, kind, answer, nowMs) {
      if (answer.ttlSeconds < 2) return;
      const hash = hashText(qname, seed ^ kind);
      const former = lookUp(qname, kind, hash);
      if (former !== NO_SLOT) index.remove(former);
      const octets = entryOctets(qname, answer);
      if (octets > maxOctets) return;
      if (index.size() === maxEntries) index.remove(index.oldest());
      const start = reserve(octets);
      const entry = index.add(hash);
      starts[entry] = start;
      kinds[entry] = kind;
      storedAtMs[entry] = nowMs;
      lastSerial = (lastSerial % LAST_SERIAL) + 1;
      serials[entry] = lastSerial;
      writeEntry(ring, start, qname, answer);
    },
    clear() {
      index.clear();
      head = 0;
    },
    size: index.size,
  };
}

function entryOctets(
  qname: DomainName,
  { bodyStart, bodyEnd, ttlCount, addressCount }: PreparedAnswer,
): number {
  return FACTS_OCTETS + qname.length + bodyEnd - bodyStart + 2 * (ttlCount + addressCount);
}

function writeEntry(ring: Buffer, start: number, qname: DomainName, answer: PreparedAnswer): void {
  write16(ring, start + FACTS.nameOctets, qname.length);
  write16(ring, start + FACTS.bodyOctets, answer.bodyEnd - answer.bodyStart);
  write16(
    ring,
    start + FACTS.rcode,
    answer.rcode | (answer.isAuthentic ? AUTHENTIC : 0) | (answer.hasData ? WITH_DATA : 0),
  );
  write16(ring, start + FACTS.ede, answer.ede + 1);
  write16(ring, start + FACTS.answers, answer.answerCount);
  write16(ring, start + FACTS.authorities, answer.authorityCount);
  write16(ring, start + FACTS.ttl, answer.ttlSeconds);
  write16(ring, start + COUNTS.ttls, answer.ttlCount);
  write16(ring, start + COUNTS.addresses, answer.addressCount);
  write16(ring, start + COUNTS.addressOctets, answer.addressOctets);
  let at = start + FACTS_OCTETS;
  for (let i = 0; i < qname.length; i++) ring[at++] = qname.charCodeAt(i);
  at += answer.octets.copy(ring, at, answer.bodyStart, answer.bodyEnd);
  for (let i = 0; i < answer.ttlCount; i++, at += 2) write16(ring, at, answer.ttlAt[i] ?? 0);
  for (let i = 0; i < answer.addressCount; i++, at += 2) write16(ring, at, answer.addressAt[i] ?? 0);
}

function readEntry(ring: Buffer, start: number, into: PreparedAnswer): void {
  into.octets = ring;
  into.bodyStart = start + FACTS_OCTETS + read16(ring, start + FACTS.nameOctets);
  into.bodyEnd = into.bodyStart + read16(ring, start + FACTS.bodyOctets);
  const rcode = read16(ring, start + FACTS.rcode);
  into.rcode = rcode & ~(AUTHENTIC | WITH_DATA);
  into.hasData = (rcode & WITH_DATA) !== 0;
  into.withheldCount = 0;
  into.isAuthentic = (rcode & AUTHENTIC) !== 0;
  into.ede = read16(ring, start + FACTS.ede) - 1;
  into.answerCount = read16(ring, start + FACTS.answers);
  into.authorityCount = read16(ring, start + FACTS.authorities);
  into.ttlSeconds = read16(ring, start + FACTS.ttl);
  into.ttlCount = read16(ring, start + COUNTS.ttls);
  into.addressCount = read16(ring, start + COUNTS.addresses);
  into.addressOctets = read16(ring, start + COUNTS.addressOctets) === 4 ? 4 : 16;
  let at = into.bodyEnd;
  for (let i = 0; i < into.ttlCount; i++, at += 2) into.ttlAt[i] = read16(ring, at);
  for (let i = 0; i < into.addressCount; i++, at += 2) into.addressAt[i] = read16(ring, at);
}
