/** Many lookups that wait at once: whose flood it is, and who is still answered. */
import { describe, expect, test } from "vitest";
import { createLookupGroups, GROUPS, NO_GROUP } from "../../src/dns/bounds/lookup-groups.ts";
import { type CompiledPolicy } from "../../src/policy/compile.ts";
import { decideName } from "../../src/policy/decide-name.ts";
import { compiledPolicy, nameOf } from "../support/policy.ts";
import { createFakeNetwork, type FakeNetwork } from "./support/fake-network.ts";
import { good, rcodes } from "./support/replies.ts";

/** Of 64 rows that are not kept for the cache. */
const MAX_WAITERS = 128;
const POLICY = compiledPolicy("deny", "allow *.wild.example", "allow *.other.example", "allow one.example");

function createNetwork(): FakeNetwork {
  return createFakeNetwork({
    maxWaiters: MAX_WAITERS,
    maxLookups: MAX_WAITERS,
    policy: { decide: (qname) => decideName(POLICY, qname) },
  });
}
/** Asks, and says how many wait for an upstream and how many were told to come again. */
function flood(
  net: FakeNetwork,
  names: readonly string[],
): { readonly waiting: number; readonly told: number } {
  const clients = names.map((name) => net.ask({ name }));
  const told = clients.filter(({ answers }) => rcodes(answers)[0] === "SERVFAIL").length;
  return { waiting: clients.filter(({ answers }) => answers.length === 0).length, told };
}
const below = (base: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `n${n}.${base}`);

describe("a flood", () => {
  test("of new names below one wildcard has half of what there is", () => {
    const net = createNetwork();
    expect(flood(net, below("wild.example", 200))).toEqual({ waiting: 32, told: 168 });
    expect(flood(net, ["one.example"])).toEqual({ waiting: 1, told: 0 });
  });

  test("of one question asked again and again, too", () => {
    const net = createNetwork();
    expect(
      flood(
        net,
        Array.from({ length: 200 }, () => "a.wild.example"),
      ),
    ).toEqual({ waiting: 32, told: 168 });
    expect(flood(net, ["one.example"])).toEqual({ waiting: 1, told: 0 });
  });

  test("below two wildcards leaves a third", () => {
    const net = createNetwork();
    const names = below("wild.example", 200).flatMap((name) => [name, name.replace("wild", "other")]);
    expect(flood(net, names).waiting).toBeLessThanOrEqual(44);
    expect(
      flood(
        net,
        Array.from({ length: 20 }, () => "one.example"),
      ).told,
    ).toBeLessThanOrEqual(10);
  });

  test("that is over has left everything free", () => {
    const net = createNetwork();
    for (let round = 0; round < 5; round++) {
      const before = net.sent.length;
      expect(flood(net, below(`r${round}.wild.example`, 100))).toEqual({ waiting: 32, told: 68 });
      for (const to of net.sent.slice(before)) net.receive({ to, message: good(to) });
      expect(net.engine.stats()).toMatchObject({ waiting: 0, underWay: 0 });
    }
  });
});

function groupOf(policy: CompiledPolicy): (name: string) => number {
  const group = createLookupGroups(7);
  return (name) => group(decideName(policy, nameOf(name)), nameOf(name));
}

describe("groups of lookups", () => {
  const open = compiledPolicy("allow", "allow *.wild.example");

  test("are those that a rule allows, and under a default of allow those of a domain", () => {
    const group = groupOf(open);
    expect(group("a.wild.example")).toBe(group("b.c.wild.example"));
    expect(group("a.domain.test")).toBe(group("b.domain.test"));
    expect(group("a.domain.test")).not.toBe(group("a.wild.example"));
  });

  test("are numbers that rules and domains never share", () => {
    const group = groupOf(open);
    const domains = Array.from({ length: 5000 }, (_, n) => group(`d${n}.test`));
    expect(Math.min(...domains)).toBe(GROUPS / 2 + 1);
    expect(Math.max(...domains)).toBe(GROUPS);
    expect(group("a.wild.example")).toBeLessThanOrEqual(GROUPS / 2);
    expect(group("a.wild.example")).toBeGreaterThan(NO_GROUP);
  });
});
