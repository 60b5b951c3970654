/** What was seen leaving, and how one's own is known in it. Pure. */
import { octetsOf } from "./packets.ts";

/** One packet that an interface sent, from its network header on. */
export interface SeenPacket {
  readonly device: string;
  readonly octets: Buffer;
}

export type Mark = (octets: Buffer) => boolean;

/** Holds these octets anywhere. */
export function holds(token: Uint8Array): Mark {
  return (octets) => octets.includes(token);
}

/** Holds the label of a question, whatever the case of its letters. */
export function holdsLabel(label: string): Mark {
  return (octets) => octets.toString("latin1").toLowerCase().includes(label);
}

/** A packet of the protocol to the address and port. */
export function goesTo(address: string, protocol: number, port: number): Mark {
  const wanted = octetsOf(address);
  return (octets) => {
    const isV6 = (octets[0] ?? 0) >> 4 === 6;
    if (isV6 !== (wanted.length === 16)) return false;
    const [at, headOctets] = isV6 ? [24, 40] : [16, ((octets[0] ?? 0) & 0xf) * 4];
    if (octets[isV6 ? 6 : 9] !== protocol || octets.length < headOctets + 4) return false;
    return (
      octets.subarray(at, at + wanted.length).equals(wanted) && octets.readUInt16BE(headOctets + 2) === port
    );
  };
}

/** Packets sent so far by each interface but lo, of the text of /proc/net/dev. */
export function sentPackets(text: string): number {
  return text
    .split("\n")
    .map((line) => /^\s*(?<device>[^:]+):\s*(?<numbers>[\d\s]+)$/.exec(line)?.groups)
    .filter((line) => line !== undefined && line["device"] !== "lo")
    .reduce((sum, line) => sum + Number(line?.["numbers"]?.trim().split(/\s+/)[9] ?? 0), 0);
}

/** The interfaces but lo, of the same text. */
export function deviceNames(text: string): readonly string[] {
  return [...text.matchAll(/^\s*(?<device>[^:\s]+):/gm)]
    .map(({ groups }) => groups?.["device"] ?? "")
    .filter((device) => device !== "lo");
}
