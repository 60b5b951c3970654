import { createAnswerCleaner } from "../../../src/dns/answer/clean-answer.ts";
import { createPreparedAnswer } from "../../../src/dns/answer/prepared-answer.ts";
import { createAnswerIndex } from "../../../src/dns/wire/answer.ts";
import { renderRecords } from "../../dns/support/messages.ts";
import { createFakeNetwork, type FakeNetwork } from "../../dns/support/fake-network.ts";
import { encodeQuestion } from "../../../src/dns/wire/question.ts";
import { qname } from "../../support/policy.ts";
import {
  answerWith,
  makeName,
  readByDns2,
  readAligned,
  readByPacket,
  record,
  TYPES,
  uint16,
  wireName,
} from "../engine/dns-messages.ts";
import { type PlainRecord, readRecords } from "../engine/plain-records.ts";
import type { Random } from "../engine/random.ts";
import { type Checker, readAnywhere, type Target } from "../engine/target.ts";

const NAME = "a.example.org";
/** What is asked; the first octet of an input picks one. */
const ASKED = [
  { type: "A", code: 1 },
  { type: "AAAA", code: 28 },
  { type: "CNAME", code: 5 },
  { type: "TXT", code: 16 },
  { type: "MX", code: 15 },
  { type: "SRV", code: 33 },
  { type: "SOA", code: 6 },
  { type: "NS", code: 2 },
  { type: "PTR", code: 12 },
  { type: "A", code: 1 },
] as const;
const ROOM = 4096;
/** Longer TTLs are lowered to it. */
const LONGEST_TTL = 300;

/**
 * What an upstream answers: an octet that picks the question, then the message without its id and question,
 * which are put in. The cleaner looks at nothing but the message, and what a client gets can be walked
 * through and holds only addresses that may be given out, stood in the upstream's answer section, and were
 * made known to the kernel before.
 */
export const answer: Target = {
  name: "answer",
  seeds: "answer",
  make: makeAnswer,
  async open(): Promise<Checker> {
    const learned = new Set<string>();
    const net = createFakeNetwork({
      policy: { admitsAddress: admits },
      admission: { learn: (_qname, octets, at, length) => void learned.add(hexAt(octets, at, length)) },
    });
    return Promise.resolve({
      check: (input) => check(net, learned, input),
      [Symbol.asyncDispose]: async () => Promise.resolve(net.engine.abandon()),
    });
  },
};

/** The model of what may be given out: even addresses. */
function admits(octets: Uint8Array, at: number, length: number): boolean {
  return (octets[at + length - 1] ?? 0) % 2 === 0;
}

function hexAt(octets: Uint8Array, at: number, length: number): string {
  return Buffer.from(octets.subarray(at, at + length)).toString("hex");
}

function makeAnswer(random: Random): Buffer {
  const records = Array.from({ length: random.below(8) }, () => makeRecord(random));
  const answers = random.below(records.length + 1);
  const flags = random.pick([0x8180, 0x8180, 0x8183, 0x8182, 0x8580, 0x8380]);
  const counts = [1, answers, records.length - answers, 0].map(uint16);
  return Buffer.concat([Buffer.of(random.below(ASKED.length)), uint16(flags), ...counts, ...records]);
}

function makeRecord(random: Random): Buffer {
  const owner = random.pick([
    Buffer.of(0xc0, 12),
    Buffer.of(0xc0, 14),
    wireName("b.example.org"),
    makeName(random, 2),
    Buffer.of(0xc0, random.below(80)),
  ]);
  const type = random.once(4) ? random.pick(TYPES) : random.pick([1, 28, 5]);
  const name = random.pick([
    wireName("b.example.org"),
    Buffer.of(0xc0, 12),
    Buffer.of(1, 0x62, 0xc0, 14),
    Buffer.of(0xc0, random.below(120)),
  ]);
  if (type === 1 || type === 28)
    return record(owner, type, random.octets(random.once(20) ? random.below(20) : type === 1 ? 4 : 16));
  if (type === 15) return record(owner, type, Buffer.concat([Buffer.of(0, 10), name]));
  if (type === 33) return record(owner, type, Buffer.concat([Buffer.of(0, 1, 0, 2, 0, 53), name]));
  if (type === 6) return record(owner, type, Buffer.concat([name, name, random.octets(20)]));
  if (type === 16) return record(owner, type, Buffer.of(3, 0x61, 0x62, 0x63));
  return record(owner, type, name, random.pick([0, 1, 60, 86_400, 0xffff_ffff]));
}

function check(net: FakeNetwork, learned: Set<string>, input: Buffer): string {
  const asked = ASKED[(input[0] ?? 0) % ASKED.length] ?? ASKED[0];
  learned.clear();
  const asker = net.ask({ name: NAME, type: asked.type, id: 7, udpSize: ROOM });
  const [to] = net.sent.splice(0);
  if (to === undefined) throw new Error("nothing was asked");
  const questionOctets = encodeQuestion(qname(NAME), asked.code).length;
  const message = answerWith(to.message, questionOctets, input).subarray(0, ROOM);
  const isRead = readAnywhere(message, (octets, start, end) =>
    cleanAt(octets, start, end, asked.code, questionOctets),
  );
  net.receive({ to, message });
  const [given] = asker.answers;
  net.engine.abandon();
  net.engine.clearCache();
  for (const list of [net.sent, net.tcp, net.events]) list.splice(0);
  if (asker.answers.length > 1 && given !== undefined) throw new Error("more than one answer");
  if (given === undefined) return "none";
  checkGiven(given, message, learned);
  return isRead === "malformed"
    ? "malformed"
    : given.readUInt16BE(6) > 0
      ? "records"
      : `rcode ${given.readUInt8(3) & 0xf}`;
}

/** What the cleaner makes of it, all in a text. */
function cleanAt(octets: Buffer, start: number, end: number, qtype: number, questionOctets: number): string {
  const prepared = createPreparedAnswer();
  const clean = createAnswerCleaner(createAnswerIndex());
  if (end - start < 12 + questionOctets) return "short";
  if (!clean(octets, start, end, { qtype, questionOctets, dnssecOk: false }, admits, prepared))
    return "malformed";
  const { bodyStart, bodyEnd, rcode, answerCount, authorityCount, ttlSeconds, addressCount } = prepared;
  const body = prepared.octets.toString("hex", bodyStart, bodyEnd);
  return JSON.stringify([body, rcode, answerCount, authorityCount, ttlSeconds, addressCount]);
}

const isAddress = ({ type }: PlainRecord): boolean => type === 1 || type === 28;

function checkGiven(given: Buffer, message: Buffer, learned: ReadonlySet<string>): void {
  const records = readRecords(given);
  if (records === undefined)
    throw new Error(`what is given can't be walked through: ${given.toString("hex")}`);
  const upstreams = new Set(
    (readRecords(message) ?? readLoosely(message))
      .filter(({ section }) => section === "answer")
      .map(({ data }) => data.toString("hex")),
  );
  for (const { section, data } of records.filter(isAddress)) {
    const text = data.toString("hex");
    if (section !== "answer") throw new Error(`an address in the ${section} section`);
    if (!admits(data, 0, data.length)) throw new Error(`gives ${text}, which may not be given out`);
    if (!upstreams.has(text)) throw new Error(`gives ${text}, which the upstream did not`);
    if (!learned.has(text)) throw new Error(`gives ${text}, which the kernel does not know`);
  }
  if (readAligned(message) === undefined) return;
  if (readByPacket(given) === undefined)
    throw new Error(`dns-packet reads the upstream's answer and not ours: ${given.toString("hex")}`);
  checkRecords(message, given);
  if (readByDns2(given) === undefined)
    throw new Error(`dns2 reads the upstream's answer and not ours: ${given.toString("hex")}`);
}

/** Octets may stand behind the message. */
function readLoosely(message: Buffer): readonly PlainRecord[] {
  for (let end = message.length; end >= 12; end--) {
    const records = readRecords(message.subarray(0, end));
    if (records !== undefined) return records;
  }
  return [];
}

/** Every record that is given is one that the upstream gave, as dns-packet reads both. */
function checkRecords(message: Buffer, given: Buffer): void {
  const theirs = readAligned(message);
  const ours = readAligned(given);
  if (theirs === undefined || ours === undefined) return;
  // A name may point into a TTL, which is another once it is lowered.
  if (theirs.answers?.some((one) => "ttl" in one && (one.ttl ?? 0) > LONGEST_TTL) === true) return;
  // Letter case of the question is the upstream's in one and the client's in the other.
  const [known, told] = [theirs, ours].map(({ answers }) =>
    renderRecords(answers).map((text) => text.toLowerCase()),
  );
  const strange = told?.filter((text) => known?.includes(text) !== true) ?? [];
  if (strange.length > 0) throw new Error(`gives ${strange.join()}, the upstream gave ${known?.join()}`);
}
