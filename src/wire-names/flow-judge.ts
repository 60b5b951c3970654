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
 * `isBegun`). So one that is begun and not known here, because its place was needed or the process is a new
 * one, is refused, and not taken for one that begins with what comes now.
 *
 * TLS is verified once the server has accepted the hello; where it asks for another one (HelloRetryRequest),
 * that must show the same name. The kernel may see to that by itself (`hello` with `awaited`), and does not
 * tell: such a flow stays known until it has been silent for long, verified or not.
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
import { beginFlow, type Flow, isNear, listShown, type ShownName } from "./flow-state.ts";
import { createFlowTable } from "./flow-table.ts";

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
  /** Flows whose server's answer the kernel is to judge at most; default 0: all are judged here. */
  readonly maxHanded?: number;
}

export interface FlowJudge {
  fromClient(packet: ClientPacket): PacketVerdict;
  fromServer(packet: ServerPacket): PacketVerdict;
  /** Forgets flows that have shown what this denies to them, by their key, and gives their keys. */
  takeShowing(isDenied: (shown: ShownName, flow: string) => boolean): readonly string[];
  /** Forgets handshakes that stand still for too long, and closed flows; to be called once a second. */
  sweep(): void;
  /** Flows that are not verified, as far as that is known here, and octets that are kept of them. */
  figures(): { readonly flows: number; readonly octets: number };
}

/** Verified flows that are remembered, for packets that were under way when the verdict fell. */
const MAX_VERIFIED = 8192;
const NO_ROOM = "more behind a hello than there is room for";
/** Between two packets of a handshake. */
const PATIENCE_MS = 60_000;

export function createFlowJudge(options: FlowJudgeOptions): FlowJudge {
  const { findFault, findDemand = () => "name", nowMs } = options;
  const { passesOddForm = () => false } = options;
  const rules: FlowRules = { findFault, findDemand, passesOddForm };
  const table = createFlowTable(options);
  const verified = new Set<string>();

  function find(packet: ClientPacket): Flow | undefined {
    const known = table.get(packet.flow);
    if (packet.isBegun || (known !== undefined && isNear(known, packet.sequence))) return known;
    // Another connection on the same ports, or the first one.
    return beginFlow(packet.sequence, packet.acknowledged);
  }
  function settle(key: string, flow: Flow, verdict: PacketVerdict): PacketVerdict {
    if (verdict.kind === "refused" || verdict.kind === "verified") table.forget(key);
    else if (verdict.kind === "pass" && !table.keep(key, flow, nowMs())) return toRefusal(NO_ROOM);
    else if (verdict.kind === "hello" && !table.hand(key, flow, nowMs()))
      return { ...verdict, awaited: undefined };
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

function remember(keys: Set<string>, key: string): void {
  keys.delete(key);
  keys.add(key);
  const [oldest] = keys;
  if (keys.size > MAX_VERIFIED && oldest !== undefined) keys.delete(oldest);
}
