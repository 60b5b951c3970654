/** The messages that we write, octet by octet. */
import { describe, expect, test } from "vitest";
import {
  deniedReply,
  KERNEL_FAILED,
  OVERLOADED,
  ownReplyForType,
  rcodeReply,
} from "../../../src/dns/own-replies.ts";
import { presentName } from "../../../src/dns/wire/present-name.ts";
import { createQuery, createQueryReader } from "../../../src/dns/wire/query.ts";
import { MAX_OWN_REPLY_OCTETS, writeOwnReply, type OwnReply } from "../../../src/dns/wire/reply.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "../../../src/dns/wire/upstream-query.ts";
import { decode, encodeQuery, extendedError, FLAG, rcodeOf } from "../support/messages.ts";

const AT = 5;
const readQuery = createQueryReader();
const DENIED_BY_DEFAULT = deniedReply({ action: "deny", layer: "default", rule: undefined }, false);

/** The reply that is written over the query, and what is behind it afterwards. */
function replyTo(message: Buffer, reply: OwnReply): { readonly text: string; readonly octets: Buffer } {
  const octets = Buffer.concat([Buffer.alloc(AT), message, Buffer.alloc(200)]);
  const query = createQuery();
  readQuery(octets, AT, AT + message.length, query);
  const length = writeOwnReply(octets, query, reply);
  expect(length).toBeLessThanOrEqual(message.length + MAX_OWN_REPLY_OCTETS);
  return { text: octets.toString("hex", AT, AT + length), octets: octets.subarray(AT, AT + length) };
}
const words = (text: string): string => text.replaceAll(/\s|\/\/.*$/gm, "");

const PLAIN = encodeQuery({ name: "a.example", id: 0x1234 });
const WITH_EDNS = encodeQuery({
  name: "a.example",
  id: 0x1234,
  flags: FLAG.rd | FLAG.cd,
  udpSize: 4096,
  dnssecOk: true,
});

test("a denied name: NXDOMAIN, RA, SOA for 5 s (RFC 2308 section 2.1)", () => {
  expect(replyTo(PLAIN, DENIED_BY_DEFAULT).text).toBe(
    words(`
      1234 8183 0001 0000 0001 0000
      01 61 07 6578616d706c65 00 0001 0001
      c00c 0006 0001 00000005 0016 00 00 00000001 00000e10 00000258 00015180 00000005`),
  );
});

test("the same with EDNS: OPT last, DO given back (RFC 6891, RFC 3225), EDE 15 Blocked (RFC 8914 section 4.16)", () => {
  expect(replyTo(WITH_EDNS, DENIED_BY_DEFAULT).text).toBe(
    words(`
      1234 8193 0001 0000 0001 0001
      01 61 07 6578616d706c65 00 0001 0001
      c00c 0006 0001 00000005 0016 00 00 00000001 00000e10 00000258 00015180 00000005
      00 0029 04d0 00 00 8000 001e 000f 001a 000f 6e6f2072756c6520616c6c6f777320 612e6578616d706c65`),
  );
});

test("a query of another opcode is answered under its own opcode (RFC 1035 section 4.1.1)", () => {
  const notify = Buffer.from(PLAIN);
  notify.writeUInt8(0x21, 2);
  expect(replyTo(notify, rcodeReply(4)).text).toBe(words("1234 a184 0000 0000 0000 0000"));
});

test("ANY: HINFO RFC8482 (RFC 8482 section 4.2)", () => {
  const reply = ownReplyForType(255);
  const octets = reply && replyTo(PLAIN, reply).octets;
  expect(octets && decode(octets).answers).toMatchObject([
    { type: "HINFO", data: { cpu: "RFC8482", os: "" } },
  ]);
});

test("BADVERS has its upper bits in the OPT record (RFC 6891 section 6.1.3)", () => {
  const { octets } = replyTo(WITH_EDNS, rcodeReply(16));
  expect(decode(octets).additionals).toMatchObject([{ type: "OPT", extendedRcode: 1, ednsVersion: 0 }]);
  expect(rcodeOf(octets)).toBe("NOERROR");
});

describe("a reply to a client that speaks EDNS says why (RFC 8914)", () => {
  test.each<[string, OwnReply | undefined, unknown]>([
    ["denied: 15 Blocked, with the name", DENIED_BY_DEFAULT, { code: 15, text: "no rule allows a.example" }],
    ["kernel: 14 Not Ready", KERNEL_FAILED, { code: 14, text: "the kernel refused the addresses" }],
    ["overload: 0 Other, with a text", OVERLOADED, { code: 0, text: "too many lookups under way" }],
    ["HTTPS: 17 Filtered", ownReplyForType(65), { code: 17, text: "service bindings are not given out" }],
    ["AXFR: 21 Not Supported", ownReplyForType(252), { code: 21, text: "this type is not served" }],
    ["a meta type: 21 Not Supported", ownReplyForType(250), { code: 21, text: "this type is not served" }],
    ["FORMERR: nothing", rcodeReply(1), undefined],
  ])("%s", (_what, reply, wanted) => {
    expect(reply && extendedError(replyTo(WITH_EDNS, reply).octets)).toEqual(wanted);
    expect(reply && extendedError(replyTo(PLAIN, reply).octets)).toBeUndefined();
  });
});

describe("a denial names what was asked for", () => {
  const LONGEST = Array.from({ length: 4 }, (_, index) => "x".repeat(index === 3 ? 61 : 63)).join(".");
  const layers = ["default", "user", "deny.always"] as const;

  test.each([
    ["default", "no rule allows a.example"],
    ["user", "a rule denies a.example"],
    ["deny.always", "the operator's rules deny a.example"],
  ] as const)("and who denies it, but not the rule: %s", (layer, text) => {
    const reply = deniedReply({ action: "deny", layer, rule: undefined }, true);
    expect(extendedError(replyTo(WITH_EDNS, reply).octets)).toEqual({ code: 15, text });
  });

  test.each([
    ["in lower case", "A_b-1.ExAmple.ORG", "a_b-1.example.org"],
    ["without what no host name has", "a b.example.org", "this name"],
    ["without a name that is longer than people read", LONGEST, "this name"],
    ["as this, where it is the root", ".", "this name"],
  ])("%s", (_what, name, shown) => {
    const query = encodeQuery({ name, udpSize: 1232 });
    expect(extendedError(replyTo(query, DENIED_BY_DEFAULT).octets)?.text).toBe(`no rule allows ${shown}`);
  });

  test("and says so where no rule can speak of the name", () => {
    const { octets } = replyTo(encodeQuery({ name: "a b", udpSize: 1232 }), deniedReply(undefined, false));
    expect(extendedError(octets)?.text).toBe("no rule can allow such a name");
  });

  test("within 512 octets, however long the name", () => {
    for (let length = 1; length <= 253; length += 1) {
      const name = LONGEST.slice(0, length).replace(/\.$/, "x");
      const query = encodeQuery({ name, udpSize: 512 });
      for (const layer of layers) {
        const reply = deniedReply({ action: "deny", layer, rule: undefined }, false);
        expect(replyTo(query, reply).octets.length).toBeLessThanOrEqual(512);
      }
    }
  });
});

test.each([1, 28, 16, 15, 33, 2, 6, 12, 257, 127, 256])("type %i is asked for like any other", (qtype) => {
  expect(ownReplyForType(qtype)).toBeUndefined();
});

describe("what an upstream is asked", () => {
  const question = encodeQuery({ name: "a.ExAmple" }).subarray(12);
  const write = (random: (() => number) | undefined, edns = true): string => {
    const out = Buffer.alloc(200, 0xee);
    const from = { octets: question, from: 0, length: question.length };
    const bits = { id: 0xabcd, authenticData: true, checkingDisabled: false, dnssecOk: true, edns };
    const length = writeUpstreamQuery(out, 3, from, bits, random);
    expect(length).toBeLessThanOrEqual(upstreamQueryOctets(question.length));
    return out.toString("hex", 3, 3 + length);
  };
  test("RD, AD, the name in drawn case, OPT with DO and 1232 octets, nothing else", () => {
    let draws = 0;
    expect(write(() => (draws++ % 2 === 0 ? 0x20 : 0))).toBe(
      words(`
        abcd 0120 0001 0000 0000 0001
        01 41 07 65 58 61 4d 70 4c 65 00 0001 0001
        00 0029 04d0 00 00 8000 0000`),
    );
  });
  test("without drawing, the name as it stands", () => {
    expect(write(undefined, false)).toBe(
      words("abcd 0120 0001 0000 0000 0000 01 61 07 4578416d706c65 00 0001 0001"),
    );
  });
});

describe("a name as text for a log", () => {
  test.each<[string, readonly (number | string)[], string]>([
    ["plain", [3, "www", 2, "Ex", 0], "www.Ex"],
    ["the root", [0], ""],
    ["a dot and a NUL in a label", [3, "a.", 0, 0], "a\\046\\000"],
    ["a line break and a quote", [2, '\n"', 0], "\\010\\034"],
    ["a label that is none ends it", [1, "a", 0xc0, 12], "a"],
  ])("%s", (_what, parts, wanted) => {
    const octets = Buffer.concat(
      parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part))),
    );
    expect(presentName(octets, 0)).toBe(wanted);
  });
});
