/** A question that every policy denies, and whether an answer to it is the sidecar's. Pure. */
import type { DomainName } from "../policy/domain-name.ts";
import { skipName } from "../dns/wire/compressed-name.ts";
import { Ede, HEADER_OCTETS, Rcode, RrType } from "../dns/wire/constants.ts";
import { read16, write16 } from "../dns/wire/query.ts";
import { encodeQuestion } from "../dns/wire/question.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "../dns/wire/upstream-query.ts";

const EDE_OPTION = 15;

/** A name that is there for nobody (RFC 6761 section 6.4), and new each time. */
export function nameToDeny(label: string): DomainName {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the label is hexadecimal
  return `${label}.egress-doctor.invalid` as DomainName;
}

export function encodeLookup(qname: DomainName, qtype: number = RrType.a): Buffer {
  const octets = encodeQuestion(qname, qtype);
  const message = Buffer.alloc(upstreamQueryOctets(octets.length));
  const query = { id: 0xe9e5, authenticData: false, checkingDisabled: false, dnssecOk: false, edns: true };
  writeUpstreamQuery(message, 0, { octets, from: 0, length: octets.length }, query, undefined);
  return message;
}

/**
 * Whether the message is the sidecar's denial: NXDOMAIN, or "no data" if names below are allowed, with the
 * extended error "Blocked". Others say so without it.
 */
export function isDenial(message: Buffer): boolean {
  const rcode = (message[3] ?? 0) & 0xf;
  if (message.length < HEADER_OCTETS || (rcode !== Rcode.nxDomain && rcode !== Rcode.noError)) return false;
  let at = HEADER_OCTETS;
  for (let left = read16(message, 4); left > 0; left--) at = skipName(message, at, message.length) + 4;
  const records = read16(message, 6) + read16(message, 8) + read16(message, 10);
  for (let left = records; left > 0; left--) {
    const rdata = skipName(message, at, message.length) + 10;
    if (rdata < 10 || rdata > message.length) return false;
    const end = rdata + read16(message, rdata - 2);
    if (read16(message, rdata - 10) === RrType.opt)
      return end <= message.length && hasBlocked(message, rdata, end);
    at = end;
  }
  return false;
}

/** Options: code:2 length:2 data; of EDE the data begin with the error's number (RFC 8914 section 2). */
function hasBlocked(message: Buffer, from: number, end: number): boolean {
  for (let at = from; at + 6 <= end; at += 4 + read16(message, at + 2)) {
    if (read16(message, at) === EDE_OPTION && read16(message, at + 4) === Ede.blocked) return true;
  }
  return false;
}

/** As it goes over TCP (RFC 1035 section 4.2.2). */
export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  write16(length, 0, message.length);
  return Buffer.concat([length, message]);
}
