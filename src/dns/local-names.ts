/**
 * Names that every host answers for itself, under every policy: `localhost` and all below it are loopback
 * (RFC 6761 section 6.3), and the addresses of loopback are `localhost` (RFC 6303 section 4). No upstream is
 * asked, and nothing of it is learned.
 */
import type { DomainName } from "../policy/domain-name.ts";
import { Ede, Rcode, RrType } from "./wire/constants.ts";
import type { OwnReply } from "./wire/reply.ts";

const TTL_SECONDS = 300;
const REVERSE_V4 = "1.0.0.127.in-addr.arpa";
const REVERSE_V6 = `${["1", ...Array.from({ length: 31 }, () => "0")].join(".")}.ip6.arpa`;

const LAST_OF_LOCALHOST = 0x74;
const LAST_OF_ARPA = 0x61;

const IPV4_LOOPBACK = replyWith(RrType.a, Buffer.of(127, 0, 0, 1));
const IPV6_LOOPBACK = replyWith(RrType.aaaa, Buffer.of(...Array.from({ length: 15 }, () => 0), 1));
const LOCALHOST = replyWith(RrType.ptr, Buffer.from("\u0009localhost\0", "latin1"));
const NO_DATA: OwnReply = { rcode: Rcode.noError, ede: Ede.none, negativeTtlSeconds: TTL_SECONDS };

/** Undefined for every other name, and for types that only a question may have. */
export function localReply(qname: DomainName, qtype: number): OwnReply | undefined {
  // The last letter rules out nearly all names.
  const last = qname.charCodeAt(qname.length - 1);
  if (last !== LAST_OF_LOCALHOST && last !== LAST_OF_ARPA) return undefined;
  const isLocalhost = qname.endsWith(".localhost") || qname === "localhost";
  if (!isLocalhost && qname !== REVERSE_V4 && qname !== REVERSE_V6) return undefined;
  if (qtype >= RrType.firstMeta && qtype <= RrType.any) return undefined;
  if (!isLocalhost) return qtype === RrType.ptr ? LOCALHOST : NO_DATA;
  if (qtype === RrType.a) return IPV4_LOOPBACK;
  return qtype === RrType.aaaa ? IPV6_LOOPBACK : NO_DATA;
}

/** One record, whose owner is the question's name. */
function replyWith(type: number, rdata: Buffer): OwnReply {
  const fields = [0xc0, 0x0c, 0, type, 0, 1, 0, 0, TTL_SECONDS >>> 8, TTL_SECONDS & 0xff, 0, rdata.length];
  return { rcode: Rcode.noError, ede: Ede.none, answer: Buffer.concat([Buffer.from(fields), rdata]) };
}
