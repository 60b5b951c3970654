/**
 * What a client gets is never longer, and never holds fewer addresses, than what a plain truncating server
 * would have sent it of the same records, less those that the policy takes out. Upstreams that compress names
 * and such that do not, answers from upstreams and from the cache.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at, createFakeNetwork, type FakeNetwork } from "../support/fake-network.ts";
import { decode, nameOf, type QueryText, renderRecords } from "../support/messages.ts";
import {
  encodePlainly,
  plainA,
  plainCname,
  truncatePlainly,
  type PlainMessage,
  type PlainRecord,
} from "../support/plain-server.ts";

const NAME = "www.example.org";
/** What the fake network has room for. */
const MAX_MESSAGE = 4096;

const anyAlias = fc
  .tuple(
    fc.constantFrom("a", "edge", "a-balancer-of-some-length"),
    fc.constantFrom("example.org", "cdn.example.net"),
  )
  .map((parts) => parts.join("."));
const anyAddresses = fc.oneof(fc.nat(6), fc.nat(60), fc.nat(230));
const anyStray = fc.array(
  fc.constantFrom<PlainRecord>(
    plainA("bank.example.com", "192.0.2.66"),
    { name: "example.org", type: 16, rdata: [Buffer.from("\u0001x")] },
    { name: "edge.cdn.example.net", type: 15, rdata: [Buffer.of(0, 1), { name: "mail.example.com" }] },
  ),
  { maxLength: 3 },
);
const anyAuthority = fc.oneof(
  fc.constant([]),
  fc.integer({ min: 1, max: 5 }).map((count) =>
    Array.from({ length: count }, (_, i): PlainRecord => ({
      name: "example.org",
      type: 2,
      rdata: [{ name: `ns${i}.example.org` }],
    })),
  ),
);
const anyCase = fc
  .record({
    aliases: fc.uniqueArray(anyAlias, { maxLength: 4 }),
    addresses: anyAddresses,
    /** Every so manieth address is refused. */
    refusedEach: fc.constantFrom(0, 0, 2, 7),
    stray: anyStray,
    isStrayFirst: fc.boolean(),
    authorities: anyAuthority,
    compress: fc.boolean(),
    udpSize: fc.oneof(fc.constant(undefined), fc.integer({ min: 512, max: 1500 }), fc.constant(4096)),
    dnssecOk: fc.boolean(),
  })
  .map((one) => ({ ...one, dnssecOk: one.dnssecOk && one.udpSize !== undefined }));
type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

function recordsOf({ aliases, addresses, refusedEach, stray, isStrayFirst }: Case, question: string) {
  const names = [question, ...aliases];
  const chain = aliases.map((alias, i) => plainCname(names[i] ?? "", alias));
  const given: PlainRecord[] = [];
  const all: PlainRecord[] = [];
  for (let i = 0; i < addresses; i++) {
    const isRefused = refusedEach > 0 && i % refusedEach === 0;
    const record = plainA(names.at(-1) ?? "", `${isRefused ? 127 : 198}.51.${i >> 8}.${i & 255}`);
    all.push(record);
    if (!isRefused) given.push(record);
  }
  const body = [...chain, ...all];
  return { upstream: isStrayFirst ? [...stray, ...body] : [...body, ...stray], wanted: [...chain, ...given] };
}

function network(): FakeNetwork {
  return createFakeNetwork({ policy: { admitsAddress: (octets, offset) => octets[offset] !== 127 } });
}

const addressesIn = (message: Buffer): readonly string[] =>
  renderRecords(decode(message).answers).filter((text) => text.includes(" A "));
const isTruncated = (message: Buffer): boolean => (message.readUInt8(2) & 0x02) !== 0;

/** What is worse in ours than in what the plain server would have sent. */
function complaints(net: FakeNetwork, one: Case): readonly string[] {
  const { udpSize, dnssecOk, compress } = one;
  const query = { name: NAME, dnssecOk, ...(udpSize === undefined ? {} : { udpSize }) };
  net.engine.abandon();
  net.engine.clearCache();
  net.sent.splice(0);
  const client = net.ask(query);
  const to = at(net.sent, 0);
  const { upstream, wanted } = recordsOf(one, nameOf(to.message));
  const question = { name: nameOf(to.message), type: 1 };
  const message = encodePlainly({ question, answers: upstream, authorities: one.authorities, compress });
  fc.pre(message.length <= MAX_MESSAGE && wanted.some(({ type }) => type === 1));
  message.writeUInt16BE(to.message.readUInt16BE(0), 0);
  net.receive({ to, message });
  net.ask(query, client);
  const plain: PlainMessage = {
    question: { name: NAME, type: 1 },
    answers: wanted,
    authorities: one.authorities,
    compress,
    edns: udpSize !== undefined,
  };
  const model = encodePlainly(truncatePlainly(plain, udpSize ?? 512, dnssecOk));
  const whole = encodePlainly({ ...plain, authorities: [] });
  const found = client.answers.flatMap((ours) => {
    const [given, modelGives] = [addressesIn(ours), addressesIn(model)];
    const isWhole = given.length === wanted.length - one.aliases.length;
    return [
      ours.length > Math.max(model.length, whole.length) ? `${ours.length} octets for ${model.length}` : "",
      ours.length > (udpSize ?? 512) ? `${ours.length} octets do not fit` : "",
      given.length < modelGives.length ? `${given.length} addresses for ${modelGives.length}` : "",
      new Set(given).size < given.length ? "an address twice" : "",
      isTruncated(ours) && !isTruncated(model) ? "truncated" : "",
      !isWhole && !isTruncated(ours) ? "cut and not said" : "",
    ].filter((text) => text !== "");
  });
  return client.answers.length === 2 ? found : [...found, `${client.answers.length} answers`];
}

test("a client gets no longer answer and no fewer addresses than from a plain truncating server", () => {
  const net = network();
  fc.assert(
    fc.property(anyCase, (one) => {
      expect(complaints(net, one)).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

const addresses = (count: number): readonly PlainRecord[] =>
  Array.from({ length: count }, (_, i) => plainA(NAME, `198.51.100.${i}`));
const servers = Array.from({ length: 4 }, (_, i): PlainRecord => ({
  name: "example.org",
  type: 2,
  rdata: [{ name: `ns${i}.example.org` }],
}));
const ask = (
  answers: readonly PlainRecord[],
  authorities: readonly PlainRecord[],
  query: Partial<QueryText> = {},
): Buffer => {
  const net = network();
  const client = net.ask({ name: NAME, ...query });
  const to = at(net.sent, 0);
  const message = encodePlainly({
    question: { name: nameOf(to.message), type: query.type === "TXT" ? 16 : 1 },
    answers,
    authorities,
  });
  message.writeUInt16BE(to.message.readUInt16BE(0), 0);
  net.receive({ to, message });
  return at(client.answers, 0);
};
const seen = (message: Buffer) => {
  const { answers, authorities } = decode(message);
  return [answers?.length, authorities?.length, isTruncated(message)];
};

describe("an answer that a client has no room for", () => {
  test("loses name servers, and is not truncated (RFC 2181 section 9)", () => {
    expect(seen(ask(addresses(29), servers))).toEqual([29, 0, false]);
  });
  test("loses them, and says so to who asked for proofs (RFC 4035 section 3.1)", () => {
    expect(seen(ask(addresses(29), servers, { udpSize: 512, dnssecOk: true }))).toEqual([29, 0, true]);
    expect(seen(ask(addresses(20), servers, { udpSize: 512, dnssecOk: true }))).toEqual([20, 4, false]);
  });
  test("comes with as many whole records as fit, and TC", () => {
    expect(seen(ask(addresses(60), servers))).toEqual([29, 0, true]);
    expect(seen(ask(addresses(60), [], { udpSize: 600 }))).toEqual([34, 0, true]);
  });
  test("comes with the question alone if not even the first record fits", () => {
    const text: PlainRecord = {
      name: NAME,
      type: 16,
      rdata: Array.from({ length: 3 }, () => Buffer.concat([Buffer.of(250), Buffer.alloc(250, 0x61)])),
    };
    const message = ask([text], [], { type: "TXT" });
    expect(seen(message)).toEqual([0, 0, true]);
    expect(message.length).toBe(12 + NAME.length + 2 + 4);
  });
});

test("cached addresses begin with another one each time, and are always all there", () => {
  const net = network();
  const client = net.ask({ name: NAME });
  const to = at(net.sent, 0);
  const answers = [
    plainCname(nameOf(to.message), "b.example"),
    ...[1, 2, 3, 4].map((n) => plainA("b.example", `198.51.100.${n}`)),
  ];
  const message = encodePlainly({ question: { name: nameOf(to.message), type: 1 }, answers });
  message.writeUInt16BE(to.message.readUInt16BE(0), 0);
  net.receive({ to, message });
  for (let i = 0; i < 100; i++) net.ask({ name: NAME, type: i % 2 === 0 ? "A" : "AAAA" }, client);
  const lists = client.answers.filter((octets) => octets.readUInt16BE(6) > 0).map(addressesIn);
  const sorted = lists.map((list) => list.toSorted().join());
  expect(new Set(sorted).size).toBe(1);
  // The upstream's own order first.
  expect(lists[0]?.[0]).toContain("198.51.100.1");
  const firsts = [1, 2, 3, 4].map(
    (n) => lists.filter(([first]) => first?.includes(`.${n}"`) === true).length,
  );
  for (const count of firsts) expect(count).toBeGreaterThan(4);
});
