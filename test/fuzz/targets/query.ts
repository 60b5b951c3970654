import { createQuery, createQueryReader } from "../../../src/dns/wire/query.ts";
import { decideName } from "../../../src/policy/decide-name.ts";
import { createFakeNetwork, type FakeNetwork } from "../../dns/support/fake-network.ts";
import { compiled, rules } from "../../support/policy.ts";
import {
  header,
  makeName,
  octetsReadByPacket,
  OPT,
  readByDns2,
  readByPacket,
  readLabels,
  TYPES,
  uint16,
  wireName,
} from "../engine/dns-messages.ts";
import { decidePlainly, type PlainPolicy } from "../engine/plain-policy.ts";
import type { Random } from "../engine/random.ts";
import { type Checker, readAnywhere, type Target } from "../engine/target.ts";

const PLAIN: PlainPolicy = {
  defaultAction: "deny",
  egress: [
    { action: "deny", target: "denied.wild.example.org" },
    { action: "allow", target: "*.wild.example.org" },
    { action: "allow", target: "a.example.org" },
    { action: "deny", target: "*.b.example.org" },
    { action: "allow", target: "*.example.org" },
  ],
};
const POLICY = compiled({
  defaultAction: "deny",
  egress: rules(...PLAIN.egress.map(({ action, target }) => `${action} ${target}`)),
});
/** Bits of the flags that a query of ours to an upstream may have: RD, AD, CD. */
const UPSTREAM_FLAGS = 0x0130;
const META_TYPES = { first: 128, last: 255 };
const [HTTPS, SVCB] = [65, 64];

/**
 * What a client sends: the reader looks at nothing but the message; what is decided is what the plain model
 * decides; what goes upstream is the same question and no more, as dns2 and dns-packet read it; a message
 * that both read as one good question is read as that one by us.
 */
export const query: Target = {
  name: "query",
  seeds: "query",
  make: makeQuery,
  async open(): Promise<Checker> {
    const net = createFakeNetwork({
      policy: { decide: (qname) => decideName(POLICY, qname) },
      randomOctet: () => 0,
    });
    return Promise.resolve({
      check: (input) => check(net, input),
      [Symbol.asyncDispose]: async () => Promise.resolve(net.engine.abandon()),
    });
  },
};

function makeQuery(random: Random): Buffer {
  const tail = random.pick([
    "example.org",
    "wild.example.org",
    "b.example.org",
    "denied.wild.example.org",
    "",
  ]);
  const front = makeName(random, random.below(3)).subarray(0, -1);
  const question = [front, wireName(tail), uint16(random.pick(TYPES)), uint16(random.once(8) ? 3 : 1)];
  const hasOpt = random.once(2);
  const flags = random.once(4) ? random.below(0x1_0000) : 0x0100;
  const counts = [1, 0, 0, hasOpt ? 1 : 0];
  return Buffer.concat([
    header({ id: random.below(0x1_0000), flags, counts }),
    ...question,
    hasOpt ? OPT : Buffer.alloc(0),
  ]);
}

function check(net: FakeNetwork, input: Buffer): string {
  const { rcode, found } = readAnywhere(input, readAt);
  const asker = net.ask(input);
  const sent = net.sent.splice(0);
  const [answer, ...more] = asker.answers;
  net.engine.abandon();
  net.events.splice(0);
  if (more.length > 0) throw new Error(`${more.length + 1} answers`);
  if (answer !== undefined) checkAnswer(input, answer);
  checkDifference(input, rcode);
  if (rcode !== 0) {
    if (sent.length > 0 || found.hasQname === "good") throw new Error("refused, and sent upstream");
    return rcode < 0 ? "no query" : `rcode ${rcode}`;
  }
  const labels = readLabels(input, 12)?.labels ?? [];
  const wanted = decidePlainly(PLAIN, labels);
  const isOurs = found.qtype === HTTPS || found.qtype === SVCB || isMeta(found.qtype);
  const mustBeSent = wanted === "allow" && !isOurs;
  if (sent.length !== (mustBeSent ? 1 : 0))
    throw new Error(`${wanted} ${labels.join(".")}: ${sent.length} sent upstream`);
  if (wanted === "deny" && ((answer?.[3] ?? 0) & 0xf) !== 3) throw new Error("denied, and not NXDOMAIN");
  for (const { message } of sent) checkSent(input, message);
  return mustBeSent ? "sent" : wanted === "deny" ? "denied" : "answered";
}

function readAt(octets: Buffer, start: number, end: number) {
  const read = createQuery();
  const rcode = createQueryReader()(octets, start, end, read);
  const { qname, qtype, questionOctets, udpSize, hasEdns, dnssecOk, id } = read;
  const hasQname = rcode === 0 && qname !== undefined ? "good" : "none";
  return { rcode, found: { hasQname, qname, qtype, questionOctets, udpSize, hasEdns, dnssecOk, id } };
}

function isMeta(qtype: number): boolean {
  return qtype >= META_TYPES.first && qtype <= META_TYPES.last;
}

/**
 * Every answer is one, to this query, and both libraries can read it where the question can be read at all.
 */
function checkAnswer(input: Buffer, answer: Buffer): void {
  if (answer.length < 12 || answer.readUInt16BE(0) !== input.readUInt16BE(0))
    throw new Error("the answer has another id");
  if ((answer.readUInt8(2) & 0x80) === 0) throw new Error("the answer is none");
  const decoded = readByPacket(answer);
  if (decoded === undefined) throw new Error(`dns-packet can't read the answer ${answer.toString("hex")}`);
  if (octetsReadByPacket() !== answer.length) throw new Error("octets behind the answer");
  if (readByDns2(answer) === undefined)
    throw new Error(`dns2 can't read the answer ${answer.toString("hex")}`);
}

/**
 * What is sent upstream is the question again, letter case aside, with nothing of the client's but three
 * flags and DO.
 */
function checkSent(input: Buffer, message: Buffer): void {
  const asked = readLabels(input, 12);
  const again = readLabels(message, 12);
  if (asked === undefined || again === undefined) throw new Error("no question sent");
  if (asked.labels.join(".").toLowerCase() !== again.labels.join(".").toLowerCase())
    throw new Error("another name sent");
  const [theirs, ours] = [readByPacket(message), readByDns2(message)];
  const question = theirs?.questions?.[0];
  if (theirs?.questions?.length !== 1 || ours?.questions.length !== 1)
    throw new Error("not one question sent");
  if (question?.name.toLowerCase() !== asked.labels.join(".").toLowerCase())
    throw new Error("dns-packet reads another name");
  if (ours.questions[0]?.name.toLowerCase() !== question.name.toLowerCase())
    throw new Error("dns2 reads another name");
  if (ours.questions[0].type !== input.readUInt16BE(asked.end)) throw new Error("another type sent");
  if ((message.readUInt16BE(2) & ~UPSTREAM_FLAGS) !== 0) throw new Error("more flags sent");
  const extra = message.subarray(again.end + 4);
  if (extra.length !== 11 || (extra.readUInt32BE(5) & 0xffff_7fff) !== 0 || extra.readUInt16BE(9) !== 0)
    throw new Error("more sent than an OPT record");
}

/**
 * A message that both libraries read as one question of class IN, whole and with no other record than OPT,
 * must be read by us.
 */
function checkDifference(input: Buffer, rcode: number): void {
  if (input.length < 12 || (input.readUInt16BE(2) & 0xfa0f) !== 0) return;
  const decoded = readByPacket(input);
  if (decoded === undefined || octetsReadByPacket() !== input.length) return;
  const plain = readLabels(input, 12);
  const dns2 = readByDns2(input);
  const counts = [4, 6, 8, 10].map((at) => input.readUInt16BE(at)).join();
  if (plain === undefined || dns2 === undefined || counts !== "1,0,0,0" || plain.end + 4 !== input.length)
    return;
  const [qtype, qclass] = [input.readUInt16BE(plain.end), input.readUInt16BE(plain.end + 2)];
  if (qclass !== 1 || qtype === 0 || qtype === 41) return;
  if (rcode !== 0) throw new Error(`both libraries read it, and it is refused with rcode ${rcode}`);
}
