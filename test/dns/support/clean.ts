/** An answer cleaned and written for a client, as one step. */
import { createAnswerCleaner } from "../../../src/dns/answer/clean-answer.ts";
import { createPreparedAnswer, type PreparedAnswer } from "../../../src/dns/answer/prepared-answer.ts";
import { createShare, shareAnswer, writeAnswer } from "../../../src/dns/answer/write-answer.ts";
import type { AdmitAddress } from "../../../src/dns/answer/select-records.ts";
import { createAnswerIndex } from "../../../src/dns/wire/answer.ts";
import { HEADER_OCTETS } from "../../../src/dns/wire/constants.ts";

export interface Cleaning {
  readonly qtype?: number;
  readonly dnssecOk?: boolean;
  readonly admit?: AdmitAddress;
  readonly questionOctets: number;
}

/**
 * The prepared answer, or undefined for a malformed message. The message may stand anywhere: here, behind 7
 * octets of something else.
 */
export function prepare(message: Buffer, cleaning: Cleaning): PreparedAnswer | undefined {
  const { qtype = 1, dnssecOk = false, admit = () => true, questionOctets } = cleaning;
  const octets = Buffer.concat([Buffer.alloc(7, 0x3f), message, Buffer.alloc(7, 0x3f)]);
  const prepared = createPreparedAnswer();
  const clean = createAnswerCleaner(createAnswerIndex());
  const question = { qtype, dnssecOk, questionOctets };
  return clean(octets, 7, 7 + message.length, question, admit, prepared) ? prepared : undefined;
}

/** What a client without EDNS gets of it; the question is the message's own. */
export function write(
  prepared: PreparedAnswer,
  message: Buffer,
  questionOctets: number,
  ageSeconds = 0,
): Buffer {
  const asker = {
    id: 77,
    opcode: 0,
    recursionDesired: true,
    authenticData: false,
    checkingDisabled: false,
    hasEdns: false,
    dnssecOk: false,
    questionOctets,
  };
  const share = { ...createShare(), ageSeconds };
  shareAnswer(prepared, asker, 65_535, share);
  const out = Buffer.alloc(share.octets);
  message.copy(out, HEADER_OCTETS, HEADER_OCTETS, HEADER_OCTETS + questionOctets);
  writeAnswer(out, 0, prepared, asker, share);
  return out;
}

/** Octets of the first question, which is never compressed. */
export function questionOctetsOf(message: Buffer): number {
  let at = HEADER_OCTETS;
  while (message.readUInt8(at) !== 0) at += message.readUInt8(at) + 1;
  return at + 5 - HEADER_OCTETS;
}
