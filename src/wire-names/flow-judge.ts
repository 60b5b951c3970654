/**
 * Judges flows by the name they show, packet by packet, while the kernel holds each. Pure: a packet goes in,
 * what becomes of it comes out.
 *
 * The strict form. Segments of a hello that is not whole pass at once, since a sender whose segments are held
 * sends no more of them; the far end has no use for them. The one that completes it is judged. A flow is
 * verified only once the far end has acknowledged all that was judged: until then what comes again under the
 * same numbers must be the same octets, or a sender could have the judged ones dropped on their way (a low
 * hop limit, an option that the far end does not take) and put others in their place. HTTP is never verified,
 * unless it becomes a WebSocket: each of its requests is judged.
 *
 * A flow of which anything has passed is said to be begun, and the kernel keeps that with it (`pass` with
 * `passed`). So one that is begun and not known here, because its place was needed or the process is a new
 * one, is refused, and not taken for one that begins with what comes now.
 *
 * TLS is verified once the server has accepted the hello; where it asks for another one (HelloRetryRequest),
 * that must show the same name.
 *
 * Rules may ask what a flow speaks. SSH and PostgreSQL in the clear show no name; they are verified like TLS,
 * once the far end has acknowledged how their client begins, whether the server has spoken before or not:
 * servers' packets pass in any case.
 *
 * Known limits: a kept connection of HTTP is refused at its next request after a restart. A renegotiation of
 * TLS 1.2 is not seen.
 */
import {
  type ClientPacket,
  type FlowRules,
  findOddity,
  judgeAnswer,
  judgePacket,
  type PacketVerdict,
  PASS,
  type ServerPacket,
  toRefusal,
} from "./flow.ts";
import { beginFlow, type Flow, isNear, listShown, type ShownName, sizeOf } from "./flow-state.ts";

export interface FlowJudgeOptions extends Pick<FlowRules, "findFault"> {
  /** Default: a name is asked of every flow. */
  readonly findDemand?: FlowRules["findDemand"];
  /** Without it nothing of an odd form passes. */
  readonly passesOddForm?: FlowRules["passesOddForm"];
  readonly nowMs: () => number;
  /**
   * Flows that are known at most, and octets of them that are kept: those that said nothing for longest go
   * first.
   */
  readonly maxFlows?: number;
  readonly maxOctets?: number;
}

export interface FlowJudge {
  fromClient(packet: ClientPacket): PacketVerdict;
  fromServer(packet: ServerPacket): PacketVerdict;
  /** Forgets flows that have shown what this denies to them, by their key, and gives their keys. */
  takeShowing(isDenied: (shown: ShownName, flow: string) => boolean): readonly string[];
  /** Forgets flows that have shown no whole name for too long; to be called about once a second. */
  sweep(): void;
  /** Flows that are not verified, and octets that are kept of them. */
  figures(): { readonly flows: number; readonly octets: number };
}

const MAX_FLOWS = 4096;
const MAX_OCTETS = 16 << 20;
/** Verified flows that are remembered, for packets that were under way when the verdict fell. */
const MAX_VERIFIED = 8192;
/** Between two packets of a hello. */
const PATIENCE_MS = 60_000;

export function createFlowJudge(options: FlowJudgeOptions): FlowJudge {
  const { findFault, findDemand = () => "name", nowMs, maxFlows, maxOctets } = options;
  const { passesOddForm = () => false } = options;
  const rules: FlowRules = { findFault, findDemand, passesOddForm };
  const table = createFlowTable({ maxFlows: maxFlows ?? MAX_FLOWS, maxOctets: maxOctets ?? MAX_OCTETS });
  const verified = new Set<string>();

  function find(packet: ClientPacket): Flow | undefined {
    const known = table.get(packet.flow);
    if (packet.isBegun || (known !== undefined && isNear(known, packet.sequence))) return known;
    // Another connection on the same ports, or the first one.
    return beginFlow(packet.sequence);
  }
  function settle(key: string, flow: Flow, verdict: PacketVerdict): PacketVerdict {
    if (verdict.kind === "refused" || verdict.kind === "verified") table.forget(key);
    else if (verdict.kind === "pass") table.keep(key, flow, nowMs());
    if (verdict.kind === "verified") remember(verified, key);
    return verdict;
  }

  return {
    fromClient(packet) {
      const { flow: key } = packet;
      const oddity = findOddity(packet);
      if (oddity === undefined && packet.isSyn) {
        table.forget(key);
        verified.delete(key);
        return { kind: "reopened" };
      }
      const isUnderWay = table.get(key) === undefined && verified.has(key) && !packet.isRepeated;
      if (oddity === undefined && isUnderWay) return { kind: "repeat" };
      const flow = oddity === undefined ? find(packet) : undefined;
      if (flow === undefined) {
        table.forget(key);
        return toRefusal(oddity ?? "a flow whose beginning is not known any more");
      }
      return settle(key, flow, judgePacket(flow, packet, rules));
    },
    fromServer(packet) {
      const flow = table.get(packet.flow);
      return flow === undefined ? PASS : settle(packet.flow, flow, judgeAnswer(flow, packet));
    },
    takeShowing(isDenied) {
      const keys = table.keysOf((flow, key) => listShown(flow).some((shown) => isDenied(shown, key)));
      for (const key of keys) table.forget(key);
      return keys;
    },
    sweep: () => table.forgetSilent(nowMs() - PATIENCE_MS),
    figures: table.figures,
  };
}

/** Flows by their key, within bounds. */
interface FlowTable {
  get(key: string): Flow | undefined;
  /** Puts it behind all others, and makes room at the cost of the first ones. */
  keep(key: string, flow: Flow, nowMs: number): void;
  forget(key: string): void;
  keysOf(isMeant: (flow: Flow, key: string) => boolean): readonly string[];
  /** Those that have said nothing since then, but for connections of HTTP, which may rest. */
  forgetSilent(sinceMs: number): void;
  figures(): ReturnType<FlowJudge["figures"]>;
}

function createFlowTable({ maxFlows, maxOctets }: { maxFlows: number; maxOctets: number }): FlowTable {
  /** The one that said nothing for longest comes first. */
  const flows = new Map<string, Flow>();
  let octets = 0;

  function forget(key: string): void {
    octets -= flows.get(key)?.counted ?? 0;
    flows.delete(key);
  }

  return {
    get: (key) => flows.get(key),
    forget,
    keysOf: (isMeant) => [...flows].filter(([key, flow]) => isMeant(flow, key)).map(([key]) => key),
    keep(key, flow, nowMs) {
      forget(key);
      flow.lastMs = nowMs;
      flow.counted = sizeOf(flow);
      octets += flow.counted;
      flows.set(key, flow);
      for (const first of flows.keys()) {
        if (flows.size <= maxFlows && octets <= maxOctets) return;
        forget(first);
      }
    },
    forgetSilent(sinceMs) {
      for (const [key, flow] of flows) {
        if (flow.lastMs > sinceMs) return;
        if (flow.requests === undefined) forget(key);
      }
    },
    figures: () => ({ flows: flows.size, octets }),
  };
}

function remember(keys: Set<string>, key: string): void {
  keys.delete(key);
  keys.add(key);
  const [oldest] = keys;
  if (keys.size > MAX_VERIFIED && oldest !== undefined) keys.delete(oldest);
}
