/**
 * Takes allowed lookups to the upstreams: asked one after the other (the next after a few hundred ms while the first is still listened
 * to), over TCP when an answer is truncated, until one gives data or a clear no. One time limit holds for the whole.
 *
 * Every answer is judged by the policy as it is when it arrives, not as it was when the question left.
 */
import type { Arena } from "../sys/arena.ts";
import type { Region } from "../sys/datagrams.ts";
import type { CleanAnswer } from "./clean-answer.ts";
import { createLookupTable, type Lookup } from "./lookups.ts";
import type { LookupPolicy } from "./ports.ts";
import type { PreparedAnswer } from "./prepared-answer.ts";
import type { UpstreamHealth } from "./upstream-health.ts";
import type { UpstreamTransport } from "./upstream-transport.ts";
import { answersQuestion, answersQuestionInOtherCase, type AnswerIndex } from "./wire/answer.ts";
import { HEADER_OCTETS, Rcode } from "./wire/constants.ts";
import { read16, type Query } from "./wire/query.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "./wire/upstream-query.ts";

/** First wait before another upstream is tried, too; it doubles from try to try. */
const HEDGE_MS = 300;
const MAX_TRIES = 8;

export interface LookupEnd {
  /** An answer to give out. It stays as it is until the loop's pass is over. */
  answered(lookup: Lookup, answer: PreparedAnswer, nowMs: number): void;
  /** No upstream gave one; `rcode` is the last one heard, or SERVFAIL. */
  failed(lookup: Lookup, rcode: number): void;
}

export interface ForwarderOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly capacity: number;
  readonly timeoutMs: number;
  readonly transport: UpstreamTransport;
  readonly health: UpstreamHealth;
  readonly policy: LookupPolicy;
  readonly index: AnswerIndex;
  readonly clean: CleanAnswer;
  /** A prepared answer that nobody uses in this pass. */
  readonly takePrepared: () => PreparedAnswer;
  readonly randomOctet: () => number;
  readonly now: () => number;
  /** To be called when an answer came outside of the loop's own passes. */
  readonly passDone: () => void;
  readonly end: LookupEnd;
}

export interface Forwarder {
  find(key: string): Lookup | undefined;
  /** Asks; undefined when too many lookups are under way. */
  start(key: string, query: Query, nowMs: number): Lookup | undefined;
  /** A datagram that came from an upstream, under the attempt's key. */
  receive(attempt: number, upstream: number, octets: Buffer, start: number, end: number, nowMs: number): void;
  /** Asks one upstream whether it lives, beside all lookups; `done` hears it once. */
  probe(upstream: number, query: Query, nowMs: number, done: (alive: boolean) => void): void;
  /** Tries again and gives up where it is time. Call it while `size` is not 0, every 50 ms or so. */
  tick(nowMs: number): void;
  readonly size: number;
  /** Datagrams that answered nothing that was asked: late, doubled, or forged. */
  readonly strays: number;
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { arena, transport, health, index, end } = options;
  const table = createLookupTable(options.region, options.capacity);
  const attempts = new Map<number, Lookup>();
  const header = { id: 0, authenticData: false, checkingDisabled: false, dnssecOk: false, edns: true };
  let strays = 0;

  function send(lookup: Lookup, nowMs: number): void {
    lookup.nextTryMs = nowMs + HEDGE_MS * 2 ** Math.min(lookup.tries, 4);
    lookup.tries += 1;
    const attempt = transport.draw(lookup.upstream, isTaken);
    if (attempt < 0) return;
    const at = transport.reserve(upstreamQueryOctets(lookup.questionOctets));
    const length = writeQuery(lookup, arena.octets, at, attempt % 0x1_0000, lookup.tries === 1);
    arena.octets.copyWithin(lookup.askedAt, at + HEADER_OCTETS, at + HEADER_OCTETS + lookup.questionOctets);
    transport.send(at, length);
    attempts.set(attempt, lookup);
    lookup.attempts.push(attempt);
  }
  const isTaken = (attempt: number): boolean => attempts.has(attempt);

  /** The first try draws the letter case; later ones keep it, so that an answer to any of them is good. */
  function writeQuery(lookup: Lookup, octets: Buffer, at: number, id: number, drawCase: boolean): number {
    const question = { octets: arena.octets, from: lookup.askedAt, length: lookup.questionOctets };
    const random = drawCase ? options.randomOctet : undefined;
    header.id = id;
    header.authenticData = lookup.authenticData;
    header.checkingDisabled = lookup.checkingDisabled;
    header.dnssecOk = lookup.dnssecOk;
    header.edns = lookup.edns;
    return writeUpstreamQuery(octets, at, question, header, random);
  }

  function tryNext(lookup: Lookup, nowMs: number): void {
    lookup.upstream = health.choose(lookup.tries);
    send(lookup, nowMs);
  }

  function close(lookup: Lookup): void {
    for (const attempt of lookup.attempts) attempts.delete(attempt);
    table.close(lookup);
  }

  function fail(lookup: Lookup): void {
    if (lookup.probe) lookup.probe(false);
    else end.failed(lookup, lookup.lastRcode);
    close(lookup);
  }

  function judge(lookup: Lookup, octets: Buffer, start: number, stop: number, nowMs: number): void {
    if (lookup.probe) {
      lookup.probe(true);
      close(lookup);
      return;
    }
    const prepared = options.takePrepared();
    const admit = options.policy.admitsAddress;
    if (!options.clean(octets, start, stop, lookup, admit, prepared)) {
      lookup.lastRcode = Rcode.servFail;
      answeredBadly(lookup, nowMs);
    } else if (index.truncated && !lookup.overTcp) {
      askOverTcp(lookup);
    } else if (index.rcode === Rcode.noError || index.rcode === Rcode.nxDomain) {
      end.answered(lookup, prepared, nowMs);
      close(lookup);
    } else if (lookup.edns && refusesEdns(index.rcode)) {
      lookup.edns = false;
      send(lookup, nowMs);
    } else {
      lookup.lastRcode = index.rcode & 0xf;
      answeredBadly(lookup, nowMs);
    }
  }

  function answeredBadly(lookup: Lookup, nowMs: number): void {
    lookup.badAnswers += 1;
    if (lookup.badAnswers >= transport.count || lookup.tries >= MAX_TRIES) fail(lookup);
    else tryNext(lookup, nowMs);
  }

  function askOverTcp(lookup: Lookup): void {
    lookup.overTcp = true;
    lookup.nextTryMs = lookup.deadlineMs;
    const { serial, upstream } = lookup;
    const id = (options.randomOctet() << 8) | options.randomOctet();
    const query = Buffer.alloc(upstreamQueryOctets(lookup.questionOctets));
    const length = writeQuery(lookup, query, 0, id, false);
    const onAnswer = (answer: Buffer | undefined): void => {
      if (lookup.serial === serial) receiveOverTcp(lookup, id, answer, options.now());
      options.passDone();
    };
    void transport.exchange(upstream, query.subarray(0, length), options.timeoutMs).then(onAnswer);
  }

  function receiveOverTcp(lookup: Lookup, id: number, answer: Buffer | undefined, nowMs: number): void {
    if (answer && read16(answer, 0) === id && answersQuestion(answer, 0, answer.length, askedBy(lookup))) {
      health.answered(lookup.upstream);
      judge(lookup, answer, 0, answer.length, nowMs);
    } else {
      lookup.overTcp = false;
      lookup.lastRcode = Rcode.servFail;
      answeredBadly(lookup, nowMs);
    }
  }

  const askedBy = (lookup: Lookup): { octets: Buffer; at: number; length: number } => ({
    octets: arena.octets,
    at: lookup.askedAt,
    length: lookup.questionOctets,
  });

  function open(key: string, query: Query, nowMs: number): Lookup | undefined {
    const lookup = query.qname === undefined ? undefined : table.open(key, query.qname);
    if (lookup === undefined) return undefined;
    lookup.qtype = query.qtype;
    lookup.authenticData = query.authenticData;
    lookup.checkingDisabled = query.checkingDisabled;
    lookup.dnssecOk = query.dnssecOk;
    lookup.questionOctets = query.questionOctets;
    lookup.tries = 0;
    lookup.badAnswers = 0;
    lookup.lastRcode = Rcode.servFail;
    lookup.edns = true;
    lookup.overTcp = false;
    lookup.probe = undefined;
    lookup.deadlineMs = nowMs + options.timeoutMs;
    const question = query.start + HEADER_OCTETS;
    arena.octets.copyWithin(lookup.askedAt, question, question + query.questionOctets);
    return lookup;
  }

  return {
    find: table.find,
    start(key, query, nowMs) {
      const lookup = open(key, query, nowMs);
      if (lookup !== undefined) tryNext(lookup, nowMs);
      return lookup;
    },
    probe(upstream, query, nowMs, done) {
      const key = `probe of ${upstream}`;
      const lookup = table.find(key) === undefined ? open(key, query, nowMs) : undefined;
      if (lookup === undefined) return;
      lookup.probe = done;
      lookup.upstream = upstream;
      send(lookup, nowMs);
    },
    receive(attempt, upstream, octets, start, stop, nowMs) {
      const lookup = attempts.get(attempt);
      if (lookup === undefined) {
        strays += 1;
        return;
      }
      const asked = askedBy(lookup);
      if (answersQuestion(octets, start, stop, asked)) {
        lookup.upstream = upstream;
        health.answered(upstream);
        judge(lookup, octets, start, stop, nowMs);
      } else if (!lookup.overTcp && answersQuestionInOtherCase(octets, start, stop, asked)) {
        lookup.upstream = upstream;
        askOverTcp(lookup);
      } else {
        strays += 1;
      }
    },
    tick(nowMs) {
      for (const lookup of table.all()) {
        if (nowMs >= lookup.deadlineMs) {
          if (!lookup.overTcp) health.timedOut(lookup.upstream);
          fail(lookup);
        } else if (nowMs >= lookup.nextTryMs && lookup.tries < MAX_TRIES) {
          health.timedOut(lookup.upstream);
          if (lookup.probe) send(lookup, nowMs);
          else tryNext(lookup, nowMs);
        }
      }
    },
    get size() {
      return table.size;
    },
    get strays() {
      return strays;
    },
  };
}

function refusesEdns(rcode: number): boolean {
  return rcode === Rcode.formErr || rcode === Rcode.notImp || rcode === Rcode.badVers;
}
