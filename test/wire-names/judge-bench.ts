/** A judge of flows, and packets of one flow in both directions. */
import { expect } from "vitest";
import type { ClientPacket, PacketVerdict } from "../../src/wire-names/flow.ts";
import type { ShownName } from "../../src/wire-names/flow-state.ts";
import { createFlowJudge, type FlowJudge, type FlowJudgeOptions } from "../../src/wire-names/flow-judge.ts";
import { helloFor, serverHello } from "./make-hello.ts";

export const GOOD = "good.example.org";
export const EVIL = "evil.example.org";
const START = 0xffff_ff00;
const SERVER_START = 0xffff_fff0;
export const HELLO = helloFor(GOOD);
/** A record of early data. */
export const EARLY = Buffer.from("\x17\x03\x03\x00\x0aearly data", "latin1");

const findFault = ({ kind, name }: ShownName): string | undefined =>
  kind === "other" || name === GOOD ? undefined : `${name ?? "no name"} is not allowed`;

export function createJudge(options: Partial<FlowJudgeOptions> = {}): FlowJudge {
  return createFlowJudge({ findFault, nowMs: () => 0, ...options });
}
export function client(at: number, data: Buffer | string, changes: Partial<ClientPacket> = {}): ClientPacket {
  const octets = typeof data === "string" ? Buffer.from(data) : data;
  return {
    flow: "1",
    sequence: (START + at) >>> 0,
    acknowledged: SERVER_START,
    data: octets,
    octets: octets.length,
    isSyn: false,
    isUrgent: false,
    hops: 64,
    isOfSocket: true,
    isBegun: at > 0,
    isRepeated: false,
    ...changes,
  };
}
export const answer = (
  at: number,
  data: Buffer | string = "",
  sequence = 0,
): Parameters<FlowJudge["fromServer"]>[0] => ({
  flow: "1",
  sequence: (SERVER_START + sequence) >>> 0,
  acknowledged: (START + at) >>> 0,
  data: typeof data === "string" ? Buffer.from(data) : data,
});
/** A server's answer to a hello that ends at `at`, of which no more is needed. */
export const accepts = (at: number): ReturnType<typeof answer> => answer(at, serverHello());
export const PASS: PacketVerdict = { kind: "pass", isBegun: false };
export const BEGINS: PacketVerdict = { kind: "pass", isBegun: true };
/** What completes a ClientHello of the allowed name. */
export const SHOWS = { kind: "hello", name: GOOD, awaited: undefined } as const;
export const refused = (reason: string): unknown => ({
  kind: "refused",
  name: undefined,
  reason: expect.stringContaining(reason),
});
