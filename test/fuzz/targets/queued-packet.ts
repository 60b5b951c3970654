import { readQueuedPacket } from "../../../src/netfilter/wire/packet-queue.ts";
import { readTcpSegment } from "../../../src/netfilter/wire/tcp-segment.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, readAnywhere, type Target } from "../engine/target.ts";

/**
 * A packet that a workload has made and the kernel holds: what is read of it is what a plain reading of a
 * plain TCP packet gives.
 */
export const queuedPacket: Target = {
  name: "queued-packet",
  seeds: "queued-packet",
  make: (random) => makePacket(random),
  open: async () =>
    plainChecker((input) => {
      const read = readAnywhere(input, (octets, start, end) => readAndCompare(octets.subarray(start, end)));
      return read.split(" ", 1)[0] ?? "";
    }),
};

function readAndCompare(packet: Buffer): string {
  const head = Buffer.from("02003bf90b000100000000010800030000000a00", "hex");
  head.writeUInt16LE(4 + packet.length, 16);
  const queued = readQueuedPacket(Buffer.concat([head, packet]));
  if (queued === undefined || !queued.octets.equals(packet)) throw new Error("the packet is lost");
  const segment = readTcpSegment(queued.octets);
  const read =
    segment === undefined
      ? "nothing"
      : [
          "tcp",
          segment.source.toString("hex"),
          segment.destination.toString("hex"),
          segment.sourcePort,
          segment.destinationPort,
          segment.sequence,
          segment.acknowledged,
          segment.flags,
          segment.hops,
          segment.data.toString("hex"),
        ].join(" ");
  const plain = readPlainly(packet.toString("hex"));
  if (read !== plain) throw new Error(`reads ${read}, not ${plain}`);
  return read;
}

/** Of hex digits, two an octet. */
function readPlainly(packet: string): string {
  const ipv4 = /^4([5-f])..(....)....[048c]000(..)06....(.{8})(.{8})/.exec(packet);
  if (ipv4 !== null) {
    const [, words = "", length = "", hops = "", source = "", destination = ""] = ipv4;
    return plainTcp(
      [source, destination, hops],
      cut(packet, length, 0).slice(8 * Number.parseInt(words, 16)),
    );
  }
  const [, length = "", hops = "", source = "", destination = ""] =
    /^6.{7}(....)06(..)(.{32})(.{32})/.exec(packet) ?? [];
  return length === "" ? "nothing" : plainTcp([source, destination, hops], cut(packet, length, 40).slice(80));
}

/** Up to its length, where it has one. */
function cut(packet: string, length: string, more: number): string {
  const octets = Number.parseInt(length, 16);
  return octets === 0 ? packet : packet.slice(0, 2 * (octets + more));
}

function plainTcp([source, destination, hops = ""]: readonly string[], rest: string): string {
  const [, from, to, sequence, acknowledged, words = "", flags = ""] =
    /^(.{4})(.{4})(.{8})(.{8})([5-f]).(..).{12}/.exec(rest) ?? [];
  if (rest.length < 8 * Number.parseInt(words, 16) || words === "") return "nothing";
  const numbers = [from, to, sequence, acknowledged, flags, hops].map((digits = "") =>
    Number.parseInt(digits, 16),
  );
  return ["tcp", source, destination, ...numbers, rest.slice(8 * Number.parseInt(words, 16))].join(" ");
}

function makePacket(random: Random): Buffer {
  const isV4 = random.once(2);
  const words = random.once(4) ? random.below(16) : 5;
  const header = random.octets(isV4 ? Math.max(20, 4 * words) : 40);
  header[0] = isV4 ? 0x40 | words : 0x60;
  const tcp = random.octets(20 + random.below(40));
  if (!random.once(4)) tcp[12] = 16 * (5 + random.below(4));
  const length = tcp.length + (isV4 ? header.length : 0) - random.below(3) + random.below(3);
  header.writeUInt16BE(random.once(8) ? 0 : length, isV4 ? 2 : 4);
  if (isV4) header.writeUInt16BE(random.pick([0, 0x4000, 0x4000, 0x2000, 7]), 6);
  header[isV4 ? 9 : 6] = random.once(8) ? random.below(256) : 6;
  return Buffer.concat([header, tcp]);
}
