/**
 * The resolver: reads each query off the wire, decides, and answers from itself, from the cache or from an
 * upstream.
 *
 * One loop pass is: a batch of datagrams comes in, each is handled in plain synchronous code, then everything
 * that the batch has brought is settled at once: addresses into the kernel, queries and answers out. Opens no
 * socket itself: see `io/`.
 *
 * It validates nothing by itself (DNSSEC is left to upstreams and clients) and never asks an upstream about a
 * name that the policy denies.
 */
import type { Decision } from "../policy/decision.ts";
import type { Arena } from "../sys/arena.ts";
import type { ReceiveBatch } from "../sys/receive-batch.ts";
import { NOT_CACHED, type AnswerCache } from "./answer/cache.ts";
import type { Counters } from "./counters.ts";
import type { Delivery } from "./delivery/delivery.ts";
import type { Forwarder } from "./upstream/forwarder.ts";
import type { LookupBounds } from "./bounds/lookup-bounds.ts";
import { createLookupGroups, NO_GROUP } from "./bounds/lookup-groups.ts";
import { localReply } from "./local-names.ts";
import { deniedReply, limitedReply, OVERLOADED, ownReplyForType, rcodeReply } from "./own-replies.ts";
import type { LookedUp, TellLookup } from "./lookup-events.ts";
import type { LookupOutcome, LookupPolicy } from "./ports.ts";
import type { PreparedAnswer } from "./answer/prepared-answer.ts";
import { NO_WAITER, type Client, type WaiterTable } from "./delivery/waiters.ts";
import { presentName } from "./wire/present-name.ts";
import { HEADER_OCTETS } from "./wire/constants.ts";
import { createQuery, createQueryReader, NOT_A_QUERY, questionKind } from "./wire/query.ts";
import { writeOwnReply, type OwnReply } from "./wire/reply.ts";

export interface ResolverOptions {
  readonly arena: Arena;
  readonly policy: LookupPolicy;
  readonly tell: TellLookup;
  readonly bounds: LookupBounds;
  readonly cache: AnswerCache;
  /** A prepared answer that nobody uses in this pass. */
  readonly takePrepared: () => PreparedAnswer;
  readonly waiters: WaiterTable;
  readonly delivery: Delivery;
  readonly forwarder: Forwarder;
  readonly counters: Counters;
  /** 32 bits that nobody outside knows. */
  readonly groupSeed: number;
  /** As of the engine's options. */
  readonly ownProbe: Buffer;
}

export interface Resolver {
  /**
   * Handles one query in `arena.octets[start, end)`, which may be overwritten. `name` is where the client's
   * socket address stands.
   */
  handle(start: number, end: number, client: Client, name: number, nameLength: number, nowMs: number): void;
  /** Handles what was received together. */
  handleBatch(batch: ReceiveBatch, count: number, client: Client, nowMs: number): void;
}

export function createResolver(options: ResolverOptions): Resolver {
  const { arena, policy, tell, cache, waiters, delivery, forwarder, counters, ownProbe } = options;
  const readQuery = createQueryReader();
  const query = createQuery();
  const groupOf = createLookupGroups(options.groupSeed);
  /** What allowed the query at hand. */
  let allowedBy: Decision = { action: "deny", layer: "default", rule: undefined };
  /** What a decision says of a query that we answer by ourselves; filled in again and again. */
  const told: { -readonly [Key in keyof LookedUp]: LookedUp[Key] } = {
    qname: undefined,
    text: "",
    qtype: 0,
    decision: undefined,
    upstream: undefined,
    durationMs: 0,
    nowMs: 0,
  };

  function handle(
    start: number,
    end: number,
    client: Client,
    name: number,
    nameLength: number,
    nowMs: number,
  ): void {
    const refusal = readQuery(arena.octets, start, end, query);
    if (refusal === NOT_A_QUERY) return;
    if (refusal !== 0 && isOwnProbe(start, end)) {
      sendOwn(rcodeReply(refusal), client, name, nameLength);
      return;
    }
    if (client.isStream) counters.tcpQueries += 1;
    else counters.udpQueries += 1;
    told.nowMs = nowMs;
    const reply = refusal === 0 ? decide() : refuse(refusal);
    if (reply !== undefined) sendOwn(reply, client, name, nameLength);
    else resolve(client, name, nameLength, nowMs);
  }

  function isOwnProbe(start: number, end: number): boolean {
    return (
      end - start === ownProbe.length && arena.octets.compare(ownProbe, 0, end - start, start, end) === 0
    );
  }

  function refuse(rcode: number): OwnReply {
    counters.refused += 1;
    return rcodeReply(rcode);
  }

  /** What we answer by ourselves; undefined for an allowed name of an ordinary type. */
  function decide(): OwnReply | undefined {
    const { qname, qtype } = query;
    const local = qname === undefined ? undefined : localReply(qname, qtype);
    if (local) {
      tellOwn(undefined, "own", local.rcode);
      return local;
    }
    const decision = qname === undefined ? undefined : policy.decide(qname);
    if (decision?.action === "allow") {
      allowedBy = decision;
      const own = ownReplyForType(qtype);
      if (own) tellOwn(decision, "own", own.rcode);
      return own;
    }
    counters.denied += 1;
    const reply = deniedReply(decision, qname !== undefined && policy.allowsBelow(qname));
    tellOwn(decision, "denied", reply.rcode);
    return reply;
  }

  function tellOwn(decision: Decision | undefined, outcome: LookupOutcome, rcode: number): void {
    const { qname, qtype } = query;
    told.qname = qname;
    told.text = qname ?? presentName(arena.octets, query.start + HEADER_OCTETS);
    told.qtype = qtype;
    told.decision = decision;
    tell(told, outcome, rcode);
  }

  function resolve(client: Client, name: number, nameLength: number, nowMs: number): void {
    const { qname } = query;
    if (qname === undefined) return;
    const kind = questionKind(query);
    const entry = cache.find(qname, kind, nowMs);
    const cached = entry === NOT_CACHED ? undefined : readCached(entry);
    const underWay = cached ? undefined : forwarder.find(qname, kind);
    const group = cached ? NO_GROUP : groupOf(allowedBy, qname);
    const row =
      cached || waiters.admits(group)
        ? waiters.add(query, client, name, nameLength, underWay?.firstWaiter ?? NO_WAITER)
        : NO_WAITER;
    if (row === NO_WAITER) {
      overload(client, name, nameLength);
      return;
    }
    waiters.countFor(row, group);
    if (cached) {
      counters.cacheHits += 1;
      const item = delivery.queue(cached, qname, row);
      item.qtype = query.qtype;
      item.decision = allowedBy;
      item.upstream = undefined;
      item.durationMs = 0;
      item.ageSeconds = cache.ageSeconds(entry, nowMs);
      item.nowMs = nowMs;
    } else if (underWay) {
      counters.joined += 1;
      underWay.firstWaiter = row;
    } else if (!options.bounds.admits(allowedBy, qname, query.qtype, nowMs)) {
      waiters.release(row);
      counters.limited += 1;
      const reply = limitedReply(query.hasEdns);
      tellOwn(allowedBy, "limited", reply.rcode);
      sendOwn(reply, client, name, nameLength);
    } else {
      const lookup = forwarder.start(qname, query, group, nowMs);
      if (lookup) lookup.firstWaiter = row;
      else {
        waiters.release(row);
        overload(client, name, nameLength);
      }
    }
  }

  function overload(client: Client, name: number, nameLength: number): void {
    counters.overloads += 1;
    tellOwn(allowedBy, "overload", OVERLOADED.rcode);
    sendOwn(OVERLOADED, client, name, nameLength);
  }

  function sendOwn(reply: OwnReply, client: Client, name: number, nameLength: number): void {
    client.send(query.start, writeOwnReply(arena.octets, query, reply), name, nameLength);
  }

  /** A cached answer, if the policy of this moment would still give out each of its addresses. */
  function readCached(entry: number): PreparedAnswer | undefined {
    const answer = options.takePrepared();
    cache.read(entry, answer);
    const { octets, bodyStart, addressAt, addressCount, addressOctets } = answer;
    for (let i = 0; i < addressCount; i++) {
      if (!policy.admitsAddress(octets, bodyStart + (addressAt[i] ?? 0), addressOctets)) return undefined;
    }
    return answer;
  }

  return {
    handle,
    handleBatch(batch, count, client, nowMs) {
      for (let i = 0; i < count; i++) {
        const start = batch.start(i);
        handle(start, start + batch.length(i), client, batch.sender(i), batch.senderLength(i), nowMs);
      }
    },
  };
}
