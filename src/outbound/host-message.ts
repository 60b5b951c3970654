/** A question for a host's addresses, and what its answer says. Pure; the sockets are in `io/`. */
import { renderAddress, renderIpv6 } from "../policy/address.ts";
import type { DomainName } from "../policy/domain-name.ts";
import { isSpecialAddress } from "../dns/answer/special-address.ts";
import {
  answersQuestionInOtherCase,
  createAnswerIndex,
  indexAnswer,
  isBareRefusal,
  isTruncated,
  refusesEdns,
} from "../dns/wire/answer.ts";
import { sameName } from "../dns/wire/compressed-name.ts";
import { Flag, HEADER_OCTETS, Rcode, RrType } from "../dns/wire/constants.ts";
import { read16 } from "../dns/wire/query.ts";
import { encodeQuestion } from "../dns/wire/question.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "../dns/wire/upstream-query.ts";

export type AddressType = typeof RrType.a | typeof RrType.aaaa;

export interface HostQuery {
  readonly message: Buffer;
  readonly id: number;
  readonly type: AddressType;
  readonly questionOctets: number;
}

/** Addresses in text, and for how many seconds they hold. None is an answer too. */
export interface HostAnswer {
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** What a message says that holds no answer: cut, to be asked for without EDNS, or nothing about the name. */
export type NoAnswer = "truncated" | "refuses-edns" | "failed";

const MAX_ALIASES = 16;
const NEGATIVE_TTL_SECONDS = 30;

export function encodeHostQuery(host: DomainName, type: AddressType, id: number, edns = true): HostQuery {
  const question = encodeQuestion(host, type);
  const message = Buffer.alloc(upstreamQueryOctets(question.length));
  const header = { id, authenticData: false, checkingDisabled: false, dnssecOk: false, edns };
  const from = { octets: question, from: 0, length: question.length };
  const length = writeUpstreamQuery(message, 0, from, header, undefined);
  return { message: message.subarray(0, length), id, type, questionOctets: question.length };
}

/**
 * Undefined for a message that does not answer the question. Loopback, link-local and the like are left out:
 * a name does not lead there, only an address in the setting itself does.
 */
export function readHostAnswer(message: Buffer, query: HostQuery): HostAnswer | NoAnswer | undefined {
  const { length } = message;
  const asked = { octets: query.message, at: HEADER_OCTETS, length: query.questionOctets };
  if (length < HEADER_OCTETS || read16(message, 0) !== query.id) return undefined;
  if (isBareRefusal(message, 0, length)) return "refuses-edns";
  if (!answersQuestionInOtherCase(message, 0, length, asked)) return undefined;
  if (isTruncated(message, 0)) return "truncated";
  const index = createAnswerIndex();
  if (!indexAnswer(message, 0, length, query.questionOctets, index)) return "failed";
  if (refusesEdns(index.rcode)) return "refuses-edns";
  if (index.rcode !== Rcode.noError && index.rcode !== Rcode.nxDomain) return "failed";
  if (index.rcode === Rcode.noError && index.count === 0 && isLame(message)) return "failed";
  const rows = Array.from({ length: index.count }, (_, row): Row => ({
    owner: index.owner[row] ?? 0,
    type: index.type[row] ?? 0,
    ttlSeconds: message.readUInt32BE(index.ttlAt[row]),
    rdata: message.subarray(index.rdataAt[row], (index.rdataAt[row] ?? 0) + (index.rdataOctets[row] ?? 0)),
    rdataAt: index.rdataAt[row] ?? 0,
  }));
  return collect(message, rows, query.type);
}

/** Neither an authority of the name nor a server that recurses: it refers to others, or knows nothing. */
function isLame(message: Buffer): boolean {
  return ((message[2] ?? 0) & Flag.aa) === 0 && ((message[3] ?? 0) & Flag.ra) === 0;
}

interface Row {
  readonly owner: number;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly rdata: Buffer;
  readonly rdataAt: number;
}

/** The addresses at the end of the chain of aliases that begins at the question. */
function collect(message: Buffer, rows: readonly Row[], type: AddressType): HostAnswer {
  let name = HEADER_OCTETS;
  let ttlSeconds = Infinity;
  const isOwned = ({ owner }: Row): boolean => sameName(message, 0, owner, name, message.length);
  for (let aliases = 0; aliases < MAX_ALIASES; aliases++) {
    const alias = rows.find((row) => row.type === RrType.cname && isOwned(row));
    if (alias === undefined) break;
    name = alias.rdataAt;
    ttlSeconds = Math.min(ttlSeconds, alias.ttlSeconds);
  }
  const octets = type === RrType.a ? 4 : 16;
  const found = rows.filter(
    (row) =>
      row.type === type &&
      row.rdata.length === octets &&
      isOwned(row) &&
      !isSpecialAddress(row.rdata, 0, octets),
  );
  if (found.length === 0) return { addresses: [], ttlSeconds: NEGATIVE_TTL_SECONDS };
  return {
    addresses: found.map(({ rdata }) => (octets === 4 ? renderAddress(rdata) : renderIpv6(rdata))),
    ttlSeconds: found.reduce((least, row) => Math.min(least, row.ttlSeconds), ttlSeconds),
  };
}
