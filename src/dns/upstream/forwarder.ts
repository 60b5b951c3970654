/**
 * Takes allowed lookups to the upstreams: asked one after the other (the next after a few hundred ms while
 * the first is still listened to), over TCP when an answer is truncated, until one gives data or a "no" that
 * counts (`hearing.ts`). One time limit holds for the whole.
 *
 * Every answer is judged by the policy as it is when it arrives, not as it was when the question left; and no
 * try leaves for a name that the policy denies by then.
 *
 * Silence of some hundred ms has the next upstream asked and nothing more: a name may be slow because its own
 * servers are. Whether an upstream is dead is for probes to say (`prober.ts`), so that no name which a
 * workload asks for can take an upstream from other names.
 */
import type { DomainName } from "../../policy/domain-name.ts";
import type { Arena } from "../../sys/arena.ts";
import type { Region } from "../../sys/region.ts";
import type { CleanAnswer } from "../answer/clean-answer.ts";
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import type { Counters } from "../counters.ts";
import type { LookupPolicy } from "../ports.ts";
import type { AnswerIndex } from "../wire/answer.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { questionKind, type Query } from "../wire/query.ts";
import { createWeigher } from "./answer-worth.ts";
import { createAskedBy } from "./asked-by.ts";
import { createAttempts } from "./attempts.ts";
import { createEndings, type LookupEnd } from "./endings.ts";
import { createUpstreamHabits } from "./habits.ts";
import type { UpstreamHealth } from "./health.ts";
import { createHearing } from "./hearing.ts";
import { createHeldAnswers } from "./held-answers.ts";
import { createLookupTable, NOTHING_HEARD, type Lookup } from "./lookups.ts";
import { createOverTcp } from "./over-tcp.ts";
import { createOverdue } from "./overdue.ts";
import { createReceive, type ReceiveAnswer } from "./receive.ts";
import type { UpstreamTransport } from "./transport.ts";
import { createTries } from "./tries.ts";

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
  readonly counters: Counters;
  /** A prepared answer that nobody uses in this pass. */
  readonly takePrepared: () => PreparedAnswer;
  readonly randomOctet: () => number;
  readonly drawSeed: () => number;
  readonly nowMs: () => number;
  /** To be called when an answer came outside of the loop's own passes. */
  readonly onLateAnswer: () => void;
  readonly end: LookupEnd;
  /** The upstream has not answered yet; `isTimeout`: nor within the lookup's whole time. */
  readonly onSilence: (upstream: number, isTimeout: boolean) => void;
}

export interface Forwarder {
  /** The lookup under way for the name and kind (`questionKind`). */
  find(qname: DomainName, kind: number): Lookup | undefined;
  /**
   * Asks for a group of lookups (`bounds/lookup-groups.ts`); undefined when too many lookups are under way.
   */
  start(qname: DomainName, query: Query, group: number, nowMs: number): Lookup | undefined;
  readonly receive: ReceiveAnswer;
  /** Tries again, and gives up if it is time. Call it while `size` is not 0, every 50 ms or so. */
  tick(nowMs: number): void;
  /** Gives all lookups up now. */
  abandon(): void;
  size(): number;
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { arena, transport, health, counters } = options;
  const { octets } = arena;
  const { count } = transport;
  const table = createLookupTable(options.region, options.capacity, options.drawSeed());
  const attempts = createAttempts(arena, transport, options.randomOctet, options.capacity);
  const habits = createUpstreamHabits(count);
  const held = createHeldAnswers();
  const weigh = createWeigher({ ...options, admitsAddress: options.policy.admitsAddress });
  const endings = createEndings({ ...options, table, attempts, held, weigh });
  const tries = createTries({ attempts, habits, health, count, mayGoOn: endings.mayGoOn });
  const askedBy = createAskedBy(octets);
  const askOverTcp = createOverTcp({ ...options, ...endings, attempts, habits, askedBy });
  const hearing = createHearing({
    ...options,
    octets,
    count,
    habits,
    held,
    tries,
    endings,
    weigh,
    askOverTcp,
  });
  const receive = createReceive({ attempts, health, hearing, tries, counters, askedBy });
  const lookAtOverdue = createOverdue({ count, endings, hearing, onSilence: options.onSilence });

  return {
    find: table.find,
    start(qname, query, group, nowMs) {
      const lookup = table.open(qname, questionKind(query));
      if (lookup === undefined) return undefined;
      counters.forwarded += 1;
      begin(lookup, query);
      lookup.group = group;
      lookup.deadlineMs = nowMs + options.timeoutMs;
      const question = query.start + HEADER_OCTETS;
      octets.copyWithin(lookup.askedAt, question, question + query.questionOctets);
      tries.next(lookup, nowMs);
      return lookup;
    },
    receive,
    tick(nowMs) {
      for (const lookup of table.all()) lookAtOverdue(lookup, nowMs);
    },
    abandon() {
      for (const lookup of table.all()) endings.fail(lookup);
    },
    size: table.size,
  };
}

function begin(lookup: Lookup, query: Query): void {
  lookup.qtype = query.qtype;
  lookup.checkingDisabled = query.checkingDisabled;
  lookup.dnssecOk = query.dnssecOk;
  lookup.questionOctets = query.questionOctets;
  lookup.asked = 0;
  lookup.heard = 0;
  lookup.exhausted = 0;
  lookup.askedPlainly = 0;
  lookup.doubted = 0;
  lookup.foldedBy = -1;
  lookup.isDrawn = false;
  lookup.tries = 0;
  lookup.lastRcode = NOTHING_HEARD;
  lookup.edns = true;
  lookup.overTcp = false;
}
