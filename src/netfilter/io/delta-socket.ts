/**
 * Puts small changes of a ruleset into the kernel over netlink: one batch, all of it or nothing, in a
 * fraction of a millisecond.
 */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { parseAddress } from "../../policy/address.ts";
import { openRequestSocket } from "../../sys/netlink-socket.ts";
import { type AddressRange, octetsAfter } from "../ranges/address-octets.ts";
import { TABLE } from "../kernel-names.ts";
import type { FlowChange, RangeChange, RulesetDelta } from "../ruleset-delta.ts";
import { encodeFlowRange } from "../wire/flow-key.ts";
import { appendGenerationRule, flushChain } from "../wire/generation-rule.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../../netlink/writer.ts";
import { addElement, beginBatch, changeRange, deleteElement, endBatch } from "../wire/set-element.ts";
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";

const BUFFER_OCTETS = 8 << 20;

export interface DeltaSocket {
  /** The netlink port that its changes come from. */
  readonly port: number;
  /** Throws NetlinkError, and then nothing of it is in force; also SystemCallError. */
  apply(delta: RulesetDelta): void;
  close(): void;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openDeltaSocket(bufferOctets = BUFFER_OCTETS): DeltaSocket {
  const socket = openRequestSocket(NETLINK_NETFILTER, { bufferOctets });
  const writer = createNetlinkWriter();
  let sequence = 0;
  return {
    port: socket.port,
    apply(delta) {
      writer.reset();
      beginBatch(writer, ++sequence);
      writeDelta(writer, delta, () => ++sequence);
      const last = sequence;
      endBatch(writer, ++sequence);
      socket.send(writer.written());
      awaitAcknowledgement(socket.receive, last);
    },
    close: socket.close,
  };
}

function writeDelta(
  writer: NetlinkWriter,
  { ofGeneration, ranges, flows, changes }: RulesetDelta,
  next: () => number,
): void {
  for (const change of ranges) {
    writeRanges(writer, "delete", change, change.gone, next);
    writeRanges(writer, "add", change, change.come, next);
  }
  for (const change of flows) writeFlows(writer, change, next);
  for (const { set: name, remove, put } of changes) {
    const set = { table: TABLE, set: name };
    // Deleting what is not there would fail the batch, and adding what is there keeps its old timeout. So:
    // add, delete, add.
    for (const address of new Set([...remove, ...put.map((element) => element.address)])) {
      const key = octetsOf(address);
      addElement(writer, next(), set, { key, timeoutMs: 1000, comment: "" });
      deleteElement(writer, next(), set, { key });
    }
    for (const { address, timeoutSeconds, comment = "" } of put) {
      const element = { key: octetsOf(address), timeoutMs: (timeoutSeconds ?? 0) * 1000, comment };
      addElement(writer, next(), set, element);
    }
  }
  for (const { name, rules } of ofGeneration) {
    const chain = { table: TABLE, chain: name };
    flushChain(writer, next(), chain);
    for (const rule of rules) appendGenerationRule(writer, next(), chain, rule);
  }
}

function writeRanges(
  writer: NetlinkWriter,
  verb: "add" | "delete",
  { set, kind }: RangeChange,
  ranges: readonly AddressRange[],
  next: () => number,
): void {
  for (const { first, last } of ranges) {
    // A host is one element, which has no end.
    const end = kind === "host" ? undefined : octetsAfter(last);
    changeRange(writer, verb, next(), { table: TABLE, set }, { first, end });
  }
}

function writeFlows(writer: NetlinkWriter, { set: name, gone, come }: FlowChange, next: () => number): void {
  const set = { table: TABLE, set: name };
  for (const { first, last, piece } of gone)
    deleteElement(writer, next(), set, encodeFlowRange(first, last, piece));
  for (const { first, last, piece } of come)
    addElement(writer, next(), set, { ...encodeFlowRange(first, last, piece), timeoutMs: 0, comment: "" });
}

function octetsOf(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if (!parsed.ok) throw new TypeError(`not an address: ${address}`);
  return parsed.value.octets;
}
