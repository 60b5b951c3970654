/** DNS messages made and read by dns-packet, so that our codecs are judged by one that is not ours. */
import * as packet from "dns-packet";
import type { Answer, DecodedPacket, Packet } from "dns-packet";

export const FLAG = { qr: 0x8000, tc: 0x0200, rd: 0x0100, ad: 0x0020, cd: 0x0010 } as const;
export const RCODE = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const;

export interface QueryText {
  readonly name: string;
  readonly type?: packet.RecordType;
  readonly id?: number;
  readonly flags?: number;
  /** Octets that the client takes; without it the query has no OPT record. */
  readonly udpSize?: number;
  readonly dnssecOk?: boolean;
}

export function encodeQuery(query: QueryText): Buffer {
  const { name, type = "A", id = 1, flags = FLAG.rd, udpSize, dnssecOk = false } = query;
  return encode({
    type: "query",
    id,
    flags,
    questions: [{ type, name }],
    additionals: udpSize === undefined ? [] : [optRecord(udpSize, dnssecOk)],
  });
}

export function encode(message: Packet): Buffer {
  return packet.encode(message);
}

export function decode(octets: Buffer): DecodedPacket {
  return packet.decode(octets);
}

export interface AnswerText {
  readonly rcode?: number;
  readonly truncated?: boolean;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** An answer to a query as it went out: id and question, letter case included, are the query's. */
export function answerTo(query: Buffer, answer: AnswerText = {}): Buffer {
  const asked = packet.decode(query);
  return packet.encode({
    type: "response",
    id: asked.id ?? 0,
    flags: FLAG.rd | 0x0080 | (answer.truncated === true ? FLAG.tc : 0) | (answer.rcode ?? 0),
    questions: asked.questions ?? [],
    answers: [...(answer.answers ?? [])],
    authorities: [...(answer.authorities ?? [])],
    additionals: [...(answer.additionals ?? [])],
  });
}

/** The question's name as dns-packet reads it, in the letter case that it went out in. */
export function nameOf(message: Buffer): string {
  return packet.decode(message).questions?.[0]?.name ?? "";
}

export function a(name: string, data: string, ttl = 60): Answer {
  return { type: "A", name, data, ttl };
}
export function aaaa(name: string, data: string, ttl = 60): Answer {
  return { type: "AAAA", name, data, ttl };
}
export function cname(name: string, data: string, ttl = 60): Answer {
  return { type: "CNAME", name, data, ttl };
}
export function soa(name: string, minimum: number, ttl = 900): Answer {
  const data = { mname: "ns.example.org", rname: "root.example.org", serial: 1 };
  return { type: "SOA", name, ttl, data: { ...data, refresh: 2, retry: 3, expire: 4, minimum } };
}

/** `name type data`, sorted out of TTLs: what two readers of one message must agree on. */
export function renderRecords(records: readonly Answer[] | undefined): readonly string[] {
  return (records ?? []).flatMap((record) =>
    record.type === "OPT"
      ? []
      : [
          `${record.name.toLowerCase()} ${record.type} ${JSON.stringify("data" in record ? record.data : "")}`,
        ],
  );
}

/** The rcode's name, from the header alone. */
export function rcodeOf(message: Buffer): string {
  return RCODE_NAMES[message.readUInt8(3) & 0xf] ?? "?";
}

const RCODE_NAMES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"] as const;

/** The extended error's code and text in a message's OPT record (RFC 8914); undefined without one. */
export function extendedError(message: Buffer): { code: number; text: string } | undefined {
  for (const record of packet.decode(message).additionals ?? []) {
    if (record.type !== "OPT") continue;
    const options: readonly { readonly code: number; readonly data?: unknown }[] = record.options;
    for (const { code, data } of options) {
      if (code === 15 && Buffer.isBuffer(data)) {
        return { code: data.readUInt16BE(0), text: data.toString("utf8", 2) };
      }
    }
  }
  return undefined;
}

function optRecord(udpPayloadSize: number, dnssecOk: boolean): Answer {
  const flags = dnssecOk ? packet.DNSSEC_OK : 0;
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags,
    flag_do: dnssecOk,
    options: [],
  };
}
