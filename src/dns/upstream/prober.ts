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
import { createProbeQueries } from "./probe-queries.ts";
import type { UpstreamTransport } from "./transport.ts";

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
  const { transport, health, schedule } = options;
  const queries = createProbeQueries(options);
  /** Upstreams that have not given an answer in this round. */
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
    for (const upstream of silent) queries.ask(upstream);
    transport.flush();
    callOff = schedule(limitMs / QUERIES_PER_ROUND, () => askSilent(left - 1));
  }

  function endRound(left: number): void {
    isAsking = false;
    queries.clear();
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

  return {
    receive(attempt, octets, start, end) {
      const upstream = queries.answered(attempt, octets, start, end);
      if (upstream === undefined) return false;
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
