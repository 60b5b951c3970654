import { readLoggedPacket } from "../../../src/netfilter/wire/nflog.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, readAnywhere, type Target } from "../engine/target.ts";

/**
 * A packet that a workload has made, as the kernel hands it on: what is read of it is what a plain reading of
 * all headers gives.
 */
export const loggedPacket: Target = {
  name: "logged-packet",
  seeds: "logged-packet",
  make: (random) => (random.once(2) ? makeIpv4(random) : makeIpv6(random)).subarray(0, 64 - random.below(20)),
  open: async () =>
    plainChecker((input) => {
      const read = readAnywhere(input, (octets, start, end) => readAndCompare(octets.subarray(start, end)));
      return read.split(" ", 1)[0] ?? "";
    }),
};

function readAndCompare(packet: Buffer): string {
  const head = Buffer.from([2, 0, 0, 0, 0, 0, 9, 0]);
  head.writeUInt16LE(4 + packet.length, 4);
  const found = readLoggedPacket(Buffer.concat([head, packet]));
  const read =
    found === undefined
      ? "nothing"
      : [
          found.destinationPort === undefined ? "bare" : "ports",
          found.source.toString("hex"),
          found.destination.toString("hex"),
          found.protocol,
          found.sourcePort ?? found.icmpType ?? "",
          found.destinationPort ?? "",
        ].join(" ");
  const plain = readPlainly(packet.toString("hex"));
  if (read !== plain) throw new Error(`reads ${read}, not ${plain}`);
  return read;
}

/** Of hex digits, two an octet; each header is cut off once it is read. */
function readPlainly(packet: string): string {
  const isIpv4 = packet.startsWith("4");
  if ((!isIpv4 && !packet.startsWith("6")) || packet.length < (isIpv4 ? 40 : 80)) return "nothing";
  if (!isIpv4) {
    const [source, destination] = [packet.slice(16, 48), packet.slice(48, 80)];
    return render([source, destination], plainExtensions(octet(packet, 6), packet.slice(80)));
  }
  const headerDigits = Number.parseInt(packet[1] ?? "", 16) * 8;
  const isFirst = (Number.parseInt(packet.slice(12, 16), 16) & 0x1fff) === 0;
  const rest = headerDigits >= 40 && isFirst ? packet.slice(headerDigits) : "";
  return render([packet.slice(24, 32), packet.slice(32, 40)], { protocol: octet(packet, 9), rest });
}

interface Transport {
  readonly protocol: number;
  readonly rest: string;
}

function plainExtensions(protocol: number, rest: string): Transport {
  if (rest.length < 16) return { protocol, rest };
  const next = octet(rest, 0);
  if (protocol === 44) {
    const isFirst = (Number.parseInt(rest.slice(4, 8), 16) & 0xfff8) === 0;
    return isFirst ? plainExtensions(next, rest.slice(16)) : { protocol: next, rest: "" };
  }
  const unit = new Map([
    [0, 16],
    [43, 16],
    [60, 16],
    [51, 8],
  ]).get(protocol);
  return unit === undefined
    ? { protocol, rest }
    : plainExtensions(next, rest.slice(16 + unit * octet(rest, 1)));
}

function render(addresses: readonly string[], { protocol, rest }: Transport): string {
  const ports = /^(....)(....)/.exec(rest);
  const hasPorts = [6, 17, 33, 132, 136].includes(protocol) && ports !== null;
  const isIcmp = (protocol === 1 || protocol === 58) && rest.length >= 2;
  const [first, second] = hasPorts
    ? [Number.parseInt(ports[1] ?? "", 16), Number.parseInt(ports[2] ?? "", 16)]
    : [isIcmp ? octet(rest, 0) : "", ""];
  return [hasPorts ? "ports" : "bare", ...addresses, protocol, first, second].join(" ");
}

function octet(digits: string, place: number): number {
  return Number.parseInt(digits.slice(2 * place, 2 * place + 2), 16);
}

const PROTOCOLS = [6, 17, 1, 58, 33, 132, 136, 47] as const;

function makeIpv4(random: Random): Buffer {
  const words = random.once(4) ? random.below(16) : 5;
  const header = random.octets(Math.max(20, 4 * words));
  header[0] = 0x40 | words;
  header[9] = random.pick(PROTOCOLS);
  if (!random.once(4)) header.writeUInt16BE(random.pick([0, 0x4000, 0x2000]), 6);
  return Buffer.concat([header, random.octets(44)]);
}

function makeIpv6(random: Random): Buffer {
  const header = random.octets(40);
  header[0] = 0x60;
  const chain = Array.from({ length: random.below(4) }, () => random.pick([0, 43, 44, 51, 60]));
  const kinds = [...chain, random.pick(PROTOCOLS)];
  header[6] = kinds[0] ?? 6;
  const extensions = chain.map((kind, index) => {
    const units = random.once(3) ? random.below(3) : 0;
    const body = random.octets(8 + (kind === 51 ? 4 : 8) * (kind === 44 ? 0 : units));
    body[0] = kinds[index + 1] ?? 6;
    body[1] = units;
    if (kind === 44 && random.once(2)) body.writeUInt16BE(1, 2);
    return body;
  });
  return Buffer.concat([header, ...extensions, random.octets(24)]);
}
