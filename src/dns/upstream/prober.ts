/**
 * Asks every upstream from time to time, and when lookups find one silent, whether it lives: the timing
 * alone, sockets and clock are given. The question is the operator's, so no name that a workload asks for has
 * a part in the answer. Any answer to the question is a sign of life, whatever its rcode: an upstream that
 * knows nothing of the root may know all that is asked of it. An upstream that does not answer three queries
 * in a round is dead until it answers something again.
 */
import type { Arena } from "../../sys/arena.ts";
import type { Region } from "../../sys/region.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { UpstreamProbes } from "../ports.ts";
import type { UpstreamHealth } from "./health.ts";
import type { UpstreamTransport } from "./transport.ts";
import { answersQuestionInOtherCase, isBareRefusal } from "../wire/answer.ts";
import { RrType } from "../wire/constants.ts";
import { encodeQuestion } from "../wire/question.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "../wire/upstream-query.ts";

const QUERIES_PER_ROUND = 3;

/** Runs `run` once after that time; the result calls it off. Must not keep the process alive. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

export interface ProbeSettings extends UpstreamProbes {
  readonly upstreams: readonly Endpoint[];
  readonly schedule: Schedule;
}

export interface ProberOptions extends ProbeSettings {
  readonly arena: Arena;
  readonly region: Region;
  readonly transport: UpstreamTransport;
  readonly health: UpstreamHealth;
  /** How long an upstream has to answer. */
  readonly timeoutMs: number;
}

export interface Prober {
  /** Whether the datagram answers a probe; if so, nobody else need look at it. */
  receive(attempt: number, octets: Buffer, start: number, end: number): boolean;
  /** Lookups wait for some upstream: a round begins now, if none is under way. */
  suspect(): void;
  close(): void;
}

/** Starts probing: the first round begins one interval from now. */
export function createProber(options: ProberOptions): Prober {
  const { arena, transport, health, schedule } = options;
  const question = encodeQuestion(options.qname, options.qname === "" ? RrType.ns : RrType.a);
  const asked = { octets: arena.octets, at: options.region.take(question.length), length: question.length };
  question.copy(arena.octets, asked.at);
  /** Probes that wait for an answer, and the upstreams that have not given one in this round. */
  const attempts = new Map<number, number>();
  const silent = new Set<number>();
  const limitMs = Math.min(options.timeoutMs, options.intervalMs);
  let isAsking = false;
  let callOff = schedule(options.intervalMs, beginRound);

  function beginRound(): void {
    isAsking = true;
    for (let upstream = 0; upstream < transport.count; upstream++) silent.add(upstream);
    askSilent(QUERIES_PER_ROUND);
  }

  function askSilent(left: number): void {
    if (silent.size === 0 || left === 0) {
      endRound(left);
      return;
    }
    for (const upstream of silent) ask(upstream);
    transport.flush();
    callOff = schedule(limitMs / QUERIES_PER_ROUND, () => askSilent(left - 1));
  }

  function endRound(left: number): void {
    isAsking = false;
    attempts.clear();
    for (const upstream of silent) {
      health.markDead(upstream);
      reportFailure(upstream);
    }
    silent.clear();
    const spentMs = (limitMs / QUERIES_PER_ROUND) * (QUERIES_PER_ROUND - left);
    callOff = schedule(Math.max(options.intervalMs - spentMs, 0), beginRound);
  }

  function reportFailure(upstream: number): void {
    const endpoint = options.upstreams[upstream];
    if (endpoint === undefined) return;
    const what = options.qname === "" ? ". NS" : `${options.qname} A`;
    const line = `[dns] upstream probe: ${endpoint.address} port ${endpoint.port} did not answer ${what} within ${limitMs} ms`;
    options.probeFailed(endpoint, line);
  }

  function ask(upstream: number): void {
    const attempt = transport.draw(upstream, (taken) => attempts.has(taken));
    if (attempt < 0) return;
    const at = transport.reserve(upstreamQueryOctets(question.length));
    const query = { id: attempt % 0x1_0000, authenticData: false, checkingDisabled: false, dnssecOk: false };
    const from = { octets: arena.octets, from: asked.at, length: asked.length };
    transport.send(at, writeUpstreamQuery(arena.octets, at, from, { ...query, edns: false }, undefined));
    attempts.set(attempt, upstream);
  }

  return {
    receive(attempt, octets, start, end) {
      if (attempts.size === 0) return false;
      const upstream = attempts.get(attempt);
      if (upstream === undefined) return false;
      const isAnswer =
        answersQuestionInOtherCase(octets, start, end, asked) || isBareRefusal(octets, start, end);
      if (!isAnswer) return false;
      attempts.delete(attempt);
      silent.delete(upstream);
      health.answered(upstream);
      return true;
    },
    suspect() {
      if (isAsking) return;
      callOff();
      beginRound();
    },
    close: () => callOff(),
  };
}
