import { describe, expect, test } from "vitest";
import { createPolicyJudge } from "../../../src/enforcement/lookups/policy-judge.ts";
import { createWithheldAddresses } from "../../../src/learned/withheld.ts";
import { parseAddress } from "../../../src/policy/address.ts";
import { parseDomainName } from "../../../src/policy/domain-name.ts";
import { compiledOf } from "../../support/policy.ts";

interface Judged {
  readonly active: unknown;
  readonly pending?: unknown;
  readonly allowPrivate?: boolean;
  readonly withheld?: readonly string[];
}

function judge({ active, pending, allowPrivate = true, withheld = [] }: Judged) {
  const inForce = {
    active: compiledOf(active),
    pending: pending === undefined ? undefined : compiledOf(pending),
  };
  const { decide, admitsAddress } = createPolicyJudge({
    inForce: () => inForce,
    allowPrivate,
    withheld: createWithheldAddresses(withheld.map(octetsOf), () => 0),
  });
  return {
    decide(text: string) {
      const qname = parseDomainName(text);
      if (!qname.ok) throw new Error(text);
      return decide(qname.value).action;
    },
    admits(text: string) {
      // IPv4-mapped text stands for sixteen octets here, as an AAAA record has them.
      const octets = octetsOf(text);
      const padded = Uint8Array.from([9, ...octets, 9]);
      return admitsAddress(padded, 1, octets.length === 4 ? 4 : 16);
    },
  };
}

function octetsOf(text: string): Uint8Array {
  const mapped = /^::ffff:(.+)$/.exec(text)?.[1];
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(text);
  if (mapped === undefined) return parsed.value.octets;
  return Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...parsed.value.octets]);
}

const ALLOW = { defaultAction: "allow" };
const rules = (...list: [string, string][]): unknown => ({
  egress: list.map(([action, target]) => ({ action, target })),
});

describe("a name", () => {
  test.each([
    { active: ALLOW, pending: undefined, action: "allow" },
    { active: {}, pending: undefined, action: "deny" },
    { active: ALLOW, pending: {}, action: "deny" },
    { active: {}, pending: ALLOW, action: "deny" },
    { active: ALLOW, pending: ALLOW, action: "allow" },
  ])("under $active, with $pending on its way, gets $action", ({ active, pending, action }) => {
    expect(judge({ active, pending }).decide("example.org")).toBe(action);
  });
});

describe("an address that no rule speaks of", () => {
  test.each([
    "198.51.100.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "2001:db8::1",
    "fd00::1",
  ])("%s may be given out", (address) => expect(judge({ active: ALLOW }).admits(address)).toBe(true));

  test.each([
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:198.51.100.1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
  ])("%s is never given out, not even where the default action allows", (address) => {
    expect(judge({ active: ALLOW }).admits(address)).toBe(false);
  });

  test.each([
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "100.127.0.1",
    "fd00::1",
    "fc00::1",
    "64:ff9b::a01:203",
  ])("%s is not given out where private answers are denied", (address) =>
    expect(judge({ active: ALLOW, allowPrivate: false }).admits(address)).toBe(false),
  );

  test.each([
    "172.15.0.1",
    "172.32.0.1",
    "100.63.0.1",
    "100.128.0.1",
    "192.169.0.1",
    "fe00::1",
    "64:ff9b::c633:6401",
  ])("%s is not private", (address) =>
    expect(judge({ active: ALLOW, allowPrivate: false }).admits(address)).toBe(true),
  );

  test("an upstream's own address is withheld", () => {
    const { admits } = judge({ active: ALLOW, withheld: ["192.0.2.53", "2001:db8::53"] });
    expect(admits("192.0.2.53")).toBe(false);
    expect(admits("2001:db8::53")).toBe(false);
    expect(admits("192.0.2.54")).toBe(true);
  });
});

describe("an address rule", () => {
  test("that allows opens what is withheld otherwise", () => {
    const active = rules(["allow", "127.0.0.0/8"], ["allow", "fe80::/10"], ["allow", "10.0.0.0/8"]);
    const { admits } = judge({ active, allowPrivate: false, withheld: ["10.0.0.53"] });
    for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "fe80::1", "10.0.0.53"]) {
      expect(admits(address)).toBe(true);
    }
  });

  test("that denies takes the address out of every answer, under either policy of a change", () => {
    const denying = rules(["deny", "198.51.100.0/24"]);
    expect(judge({ active: denying }).admits("198.51.100.1")).toBe(false);
    expect(judge({ active: ALLOW, pending: denying }).admits("198.51.100.1")).toBe(false);
    expect(judge({ active: denying, pending: ALLOW }).admits("198.51.100.1")).toBe(false);
  });

  test.each([
    ["64:ff9b::c633:6401", false],
    ["64:ff9b:1::c633:6401", false],
    ["2002:c633:6401::1", false],
    ["64:ff9b::c633:6501", true],
    ["2001:db8::c633:6401", true],
  ])("that denies an IPv4 address lets %s, which may wrap it, be given out: %s", (address, isGiven) => {
    const denying = { ...ALLOW, egress: [{ action: "deny", target: "198.51.100.0/24" }] };
    expect(judge({ active: denying }).admits(address)).toBe(isGiven);
    expect(judge({ active: ALLOW, pending: denying }).admits(address)).toBe(isGiven);
  });

  test("that allows the form that wraps a denied address opens it, and one that allows within does not", () => {
    const named = rules(["allow", "64:ff9b::c633:6401"], ["deny", "198.51.100.0/24"]);
    expect(judge({ active: named }).admits("64:ff9b::c633:6401")).toBe(true);
    expect(judge({ active: named }).admits("64:ff9b::c633:6402")).toBe(false);
    const inner = rules(["allow", "127.0.0.1"]);
    expect(judge({ active: inner }).admits("64:ff9b::7f00:1")).toBe(false);
  });
});
