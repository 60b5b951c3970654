import type { Answer } from "dns-packet";
import { describe, expect, test } from "vitest";
import type { AdmitAddress } from "../../../src/dns/answer/select-records.ts";
import { prepare, questionOctetsOf, write } from "../support/clean.ts";
import {
  a,
  aaaa,
  answerTo,
  cname,
  decode,
  encodeQuery,
  RCODE,
  rcodeOf,
  renderRecords,
  soa,
  type AnswerText,
} from "../support/messages.ts";

const NAME = "www.example.org";
const TYPES = { A: 1, AAAA: 28, TXT: 16, MX: 15 } as const;

/** The answer as a client gets it, or undefined for one that is refused. */
function clean(answer: AnswerText, type: keyof typeof TYPES = "A", admit?: AdmitAddress): Buffer | undefined {
  const message = answerTo(encodeQuery({ name: NAME, type }), answer);
  const questionOctets = questionOctetsOf(message);
  const prepared = prepare(message, { qtype: TYPES[type], questionOctets, ...(admit ? { admit } : {}) });
  return prepared && write(prepared, message, questionOctets);
}
const answersOf = (message: Buffer | undefined): readonly string[] =>
  message === undefined ? ["malformed"] : renderRecords(decode(message).answers);
const authoritiesOf = (message: Buffer | undefined): readonly string[] =>
  message === undefined ? ["malformed"] : renderRecords(decode(message).authorities);

describe("only the chain from the question is let through", () => {
  const chain = [
    cname(NAME, "cdn.example.net"),
    cname("cdn.example.net", "edge.example.net"),
    a("edge.example.net", "192.0.2.1"),
  ];
  const kept = renderRecords(chain);
  test.each<[string, readonly Answer[], readonly string[]]>([
    ["a chain stays whole", chain, kept],
    ["in any order", chain.toReversed(), kept.toReversed()],
    [
      "letter case apart",
      [cname(NAME.toUpperCase(), "CDN.example.net"), a("cdn.EXAMPLE.net", "192.0.2.1")],
      [`${NAME} CNAME "CDN.example.net"`, 'cdn.example.net A "192.0.2.1"'],
    ],
    ["records of other names go", [...chain, a("bank.example.com", "192.0.2.66")], kept],
    [
      "records of names below and above go",
      [a(`x.${NAME}`, "192.0.2.1"), a("example.org", "192.0.2.2"), a(NAME, "192.0.2.3")],
      [`${NAME} A "192.0.2.3"`],
    ],
    [
      "records of other types go",
      [a(NAME, "192.0.2.1"), aaaa(NAME, "2001:db8::1"), { type: "TXT", name: NAME, data: "x" }],
      [`${NAME} A "192.0.2.1"`],
    ],
    [
      "a second alias of one name goes",
      [
        cname(NAME, "b.example"),
        cname(NAME, "c.example"),
        a("c.example", "192.0.2.1"),
        a("b.example", "192.0.2.2"),
      ],
      [`${NAME} CNAME "b.example"`, 'b.example A "192.0.2.2"'],
    ],
    [
      "a loop ends",
      [cname(NAME, "b.example"), cname("b.example", NAME)],
      [`${NAME} CNAME "b.example"`, `b.example CNAME "${NAME}"`],
    ],
  ])("%s", (_what, answers, wanted) => {
    expect(answersOf(clean({ answers }))).toEqual(wanted);
  });

  test.each([
    [16, 17],
    [17, undefined],
    [20, undefined],
  ])("of a chain of %i aliases %j records come: a longer one than 16 is no answer", (length, wanted) => {
    const long = Array.from({ length }, (_, i) =>
      cname(i === 0 ? NAME : `n${i}.example`, `n${i + 1}.example`),
    );
    const message = clean({ answers: [...long, a(`n${length}.example`, "192.0.2.1")] });
    expect(message && answersOf(message).length).toBe(wanted);
  });

  test("what the additional section holds goes", () => {
    const message = clean({
      answers: [a(NAME, "192.0.2.1")],
      additionals: [a("bank.example.com", "192.0.2.66")],
    });
    expect(message && decode(message).additionals).toEqual([]);
  });
});

describe("the authority section", () => {
  const nameServer: Answer = { type: "NS", name: "example.org", data: "ns.example.org" };
  test("of a negative answer says how long no is no", () => {
    expect(authoritiesOf(clean({ authorities: [soa("example.org", 60)] }))).toHaveLength(1);
  });
  test("goes when it holds addresses", () => {
    const authorities = [nameServer, a("ns.example.org", "192.0.2.66")];
    expect(authoritiesOf(clean({ answers: [a(NAME, "192.0.2.1")], authorities }))).toEqual([]);
  });
  test("is written anew for a negative answer that lost records", () => {
    const message = clean({
      rcode: RCODE.nxDomain,
      answers: [cname(NAME, "b.example"), a("bank.example.com", "192.0.2.66")],
      authorities: [soa("example.org", 60)],
    });
    expect(answersOf(message)).toEqual([`${NAME} CNAME "b.example"`]);
    expect(authoritiesOf(message)).toHaveLength(1);
    expect(message && decode(message).authorities?.[0]).toMatchObject({ type: "SOA", ttl: 60 });
  });
});

/** Refuses addresses that end in .66. */
const admit: AdmitAddress = (octets, at) => octets[at + 3] !== 66;

describe("addresses that the policy refuses", () => {
  test("are taken out, and the others stay", () => {
    const message = clean({ answers: [a(NAME, "192.0.2.66"), a(NAME, "192.0.2.1")] }, "A", admit);
    expect(answersOf(message)).toEqual([`${NAME} A "192.0.2.1"`]);
  });
  test("leave no data when there were no others", () => {
    const message = clean({ answers: [cname(NAME, "b.example"), a("b.example", "192.0.2.66")] }, "A", admit);
    expect(answersOf(message)).toEqual([]);
    expect(message && rcodeOf(message)).toBe("NOERROR");
    expect(authoritiesOf(message)).toHaveLength(1);
  });
});

test("names inside records are written out when records before them go", () => {
  const exchange: Answer = {
    type: "MX",
    name: NAME,
    data: { preference: 10, exchange: "mail.bank.example.com" },
  };
  const message = clean({ answers: [{ type: "TXT", name: "bank.example.com", data: "x" }, exchange] }, "MX");
  expect(answersOf(message)).toEqual(renderRecords([exchange]));
});

test("both names of a SOA record are written out when records before it go", () => {
  const message = answerTo(encodeQuery({ name: NAME, type: "SOA" }), {
    answers: [a("mail.example.org", "192.0.2.9"), soa(NAME, 60)],
  });
  const questionOctets = questionOctetsOf(message);
  // The record's names end where the one that goes has its own: behind "mail".
  const [tail, text] = ["\u0007example\u0003org\0", message.toString("latin1")];
  const pointer = `\u00c0${String.fromCharCode(text.indexOf(`\u0004mail${tail}`) + 5)}`;
  const shorter = ["\u0002ns", "\u0004root"].reduce(
    (all, label) => all.replace(label + tail, label + pointer),
    text,
  );
  const compressed = Buffer.from(shorter, "latin1");
  compressed.writeUInt16BE(3 + 2 + 5 + 2 + 20, compressed.length - 3 - 2 - 5 - 2 - 20 - 2);
  const prepared = prepare(compressed, { qtype: 6, questionOctets });
  const given = prepared && decode(write(prepared, compressed, questionOctets));
  expect(given?.answers).toMatchObject([
    { type: "SOA", data: { mname: "ns.example.org", rname: "root.example.org" } },
  ]);
});

describe("a record is left out whose own name", () => {
  const question = answerTo(encodeQuery({ name: NAME }));
  const withRecord = (type: number, rdata: readonly number[], section: "answer" | "authority"): Buffer => {
    const fields = [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, rdata.length];
    const message = Buffer.concat([question, Buffer.from([...fields, ...rdata])]);
    message[section === "answer" ? 7 : 9] = 1;
    return message;
  };
  test.each<[string, number[]]>([
    ["leads into the header, which is another for the client", [0xc0, 11]],
    ["leads forward", [0xc0, 0xff]],
    ["turns in a circle", [1, 0x61, 0xc0, 45]],
    ["goes on behind the record", [3, 0x61]],
    ["ends before the record", [0, 0x61]],
  ])("%s", (_what, rdata) => {
    const questionOctets = questionOctetsOf(question);
    for (const section of ["answer", "authority"] as const) {
      const message = withRecord(section === "answer" ? 5 : 2, rdata, section);
      const prepared = prepare(message, { questionOctets });
      expect([prepared?.answerCount, prepared?.authorityCount]).toEqual([0, 0]);
    }
  });
});

describe("how long an answer may be kept", () => {
  const ttlOf = (answer: AnswerText): number | undefined => {
    const message = answerTo(encodeQuery({ name: NAME }), answer);
    return prepare(message, { questionOctets: questionOctetsOf(message) })?.ttlSeconds;
  };
  test.each<[string, AnswerText, number]>([
    [
      "the shortest TTL decides",
      { answers: [cname(NAME, "b.example", 30), a("b.example", "192.0.2.1", 60)] },
      30,
    ],
    ["300 s at most", { answers: [a(NAME, "192.0.2.1", 86_400)] }, 300],
    ["2^31 - 1 is long", { answers: [a(NAME, "192.0.2.1", 0x7fff_ffff)] }, 300],
    ["2^31 is zero (RFC 2181 section 8)", { answers: [a(NAME, "192.0.2.1", 0x8000_0000)] }, 0],
    ["all ones are zero", { answers: [a(NAME, "192.0.2.1", 0xffff_ffff)] }, 0],
    ["zero is zero", { answers: [a(NAME, "192.0.2.1", 0)] }, 0],
    ["no: the SOA's minimum", { rcode: RCODE.nxDomain, authorities: [soa("example.org", 20, 900)] }, 20],
    ["no: the SOA's own TTL where shorter", { authorities: [soa("example.org", 900, 20)] }, 20],
    ["no: a SOA whose TTL has its top bit set", { authorities: [soa("example.org", 900, 0x8000_0000)] }, 0],
    [
      "no: a SOA whose minimum has its top bit set",
      { authorities: [soa("example.org", 0x8000_0001, 900)] },
      0,
    ],
    ["no without a SOA is not kept", { rcode: RCODE.nxDomain }, 0],
    [
      "no at the end of a chain: the shortest of all",
      { answers: [cname(NAME, "b.example", 10)], authorities: [soa("example.org", 20)] },
      10,
    ],
    ["a failure is not kept", { rcode: RCODE.servFail, authorities: [soa("example.org", 20)] }, 0],
  ])("%s", (_what, answer, wanted) => {
    expect(ttlOf(answer)).toBe(wanted);
  });

  test("a client sees no TTL above 300 s, and what is left of it later", () => {
    const message = answerTo(encodeQuery({ name: NAME }), {
      answers: [a(NAME, "192.0.2.1", 86_400), a(NAME, "192.0.2.2", 5)],
    });
    const questionOctets = questionOctetsOf(message);
    const prepared = prepare(message, { questionOctets });
    const ttlsAt = (ageSeconds: number): unknown =>
      prepared &&
      decode(write(prepared, message, questionOctets, ageSeconds)).answers?.map(
        (record) => "ttl" in record && record.ttl,
      );
    expect(ttlsAt(0)).toEqual([300, 5]);
    expect(ttlsAt(3)).toEqual([297, 2]);
    expect(ttlsAt(9)).toEqual([291, 0]);
  });
});

describe("a message that is not well-formed is refused", () => {
  const whole = answerTo(encodeQuery({ name: NAME }), {
    answers: [a(NAME, "192.0.2.1")],
    authorities: [soa("example.org", 60)],
  });
  test("cut off anywhere", () => {
    const questionOctets = questionOctetsOf(whole);
    for (let end = 12 + questionOctets; end < whole.length; end++) {
      expect(prepare(whole.subarray(0, end), { questionOctets }), `at ${end}`).toBeUndefined();
    }
    expect(prepare(whole, { questionOctets })).toBeDefined();
  });
  test("with so many owners and aliases that 2,048 comparisons do not find an address", () => {
    const aliases = ["c1.example", "c2.example", "c3.example"];
    const chain = [NAME, ...aliases].map((name, n) => cname(name, aliases[n] ?? "end.example"));
    const others = Array.from({ length: 420 }, () => a("other.example", "192.0.2.1"));
    expect(clean({ answers: [...chain, ...others.slice(20)] })).toBeDefined();
    expect(clean({ answers: [...chain, ...others] })).toBeUndefined();
    // What was found before is given.
    const found = [...chain.slice(0, 3), a("c3.example", "192.0.2.1"), ...others, ...others.slice(240)];
    expect(answersOf(clean({ answers: found })).at(-1)).toBe('c3.example A "192.0.2.1"');
  });
});
