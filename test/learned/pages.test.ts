/** The learned addresses, page by page, while the table goes on changing. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { runToEnd } from "../../src/policy/steps.ts";
import { createLearnedAddresses, type LearnedAddresses } from "../../src/learned/learned-addresses.ts";
import { createWithheldAddresses } from "../../src/learned/withheld.ts";
import type { LearnedAddress } from "../../src/learned/pages.ts";
import { compilePolicy } from "../../src/policy/compile.ts";
import { DENY_ALL } from "../../src/policy/policy.ts";
import { nameOf } from "../support/policy.ts";
import { createFakeLearnedSet } from "../support/fake-learned-set.ts";

const A = nameOf("a.example");
const B = nameOf("b.example");
const SIX = Uint8Array.from([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
const addressOf = (index: number): Uint8Array =>
  Uint8Array.of(198, 18 + (index >> 16), (index >> 8) & 255, index & 255);
const text = ({ octets }: Pick<LearnedAddress, "octets">): string => octets.join(".");

function createBench() {
  const clock = { nowMs: 1_000_000 };
  const kernel = createFakeLearnedSet(() => clock.nowMs);
  const learned = createLearnedAddresses({
    drawSeed: () => 0,
    set: kernel,
    nowMs: () => clock.nowMs,
    onRefused: () => undefined,
    graceSeconds: 600,
    wildcardOf: () => undefined,
    withheld: createWithheldAddresses([], () => 0),
  });
  function learn(octets: Uint8Array, ttlSeconds = 300, owner = A): void {
    learned.learn(owner, octets, 0, octets.length === 4 ? 4 : 16, ttlSeconds);
    learned.commit();
  }
  return { clock, kernel, learned, learn };
}

/** All addresses in the order that pages give them; `between` runs after each page. */
function walk(learned: LearnedAddresses, limit: number, between = (): void => undefined): LearnedAddress[] {
  const found: LearnedAddress[] = [];
  for (let after: number | undefined = 0; after !== undefined; between()) {
    const page = learned.list(after, limit);
    expect(page.addresses.length).toBeLessThanOrEqual(limit);
    found.push(...page.addresses);
    after = page.next;
  }
  return found;
}

test("an address comes with its owners, the latest first, the time that it has left, and since when it is unused", () => {
  const { clock, learned, learn } = createBench();
  learn(addressOf(7), 100);
  learn(SIX, 300, B);
  clock.nowMs += 50_000;
  learn(addressOf(7), 20, B);
  clock.nowMs += 7000;
  expect(learned.list(0, 10)).toEqual({
    addresses: [
      { octets: addressOf(7), owners: [B, A], leftMs: 103_000, unusedMs: 7000 },
      { octets: SIX, owners: [B], leftMs: 303_000, unusedMs: 57_000 },
    ],
    next: undefined,
  });
});

test("pages join without a gap, and the last one says so", () => {
  const { learned, learn } = createBench();
  for (let index = 0; index < 10; index++) learn(addressOf(index));
  for (const limit of [1, 3, 5, 10, 11]) {
    const all = Array.from({ length: 10 }, (_, index) => addressOf(index).join("."));
    expect(walk(learned, limit).map(text)).toEqual(all);
  }
  expect(learned.list(0, 10).next).toBeUndefined();
  expect(learned.list(10, 5)).toEqual({ addresses: [], next: undefined });
  expect(learned.list(2 ** 40, 5)).toEqual({ addresses: [], next: undefined });
});

test("what has run out is left out, and what the kernel may not have taken says no time", () => {
  const { clock, kernel, learned, learn } = createBench();
  learn(addressOf(1), 1);
  learn(addressOf(2));
  clock.nowMs += 100_000;
  expect(walk(learned, 10).map(text)).toEqual([addressOf(2).join(".")]);
  kernel.refuseKey = text({ octets: addressOf(3) });
  learn(addressOf(3));
  expect(walk(learned, 10)).toContainEqual({
    octets: addressOf(3),
    owners: [A],
    leftMs: undefined,
    unusedMs: 0,
  });
});

test("an address that is in force through all pages comes once, whatever is learned, renewed and forgotten meanwhile", () => {
  const step = fc.record({
    verb: fc.constantFrom("learn", "renew", "wait", "forget"),
    index: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.nat(40), fc.integer({ min: 1, max: 9 }), fc.array(step), (count, limit, steps) => {
      const { clock, learned, learn } = createBench();
      for (let index = 0; index < count; index++) learn(addressOf(index), 10 + index, index % 2 ? A : B);
      const before = walk(learned, 1000).map(text);
      const lasting = new Set(before);
      const script = [...steps];
      const found = walk(learned, limit, () => {
        const { verb, index } = script.shift() ?? { verb: "wait", index: 0 };
        if (verb === "learn") learn(addressOf(index), 300);
        if (verb === "renew") learned.renew(new Set([String.fromCodePoint(...addressOf(index))]));
        if (verb === "wait") clock.nowMs += index * 1000;
        if (verb === "forget") runToEnd(learned.forget(allowOnly(index % 2 ? A : B)));
        const now = new Set(walk(learned, 1000).map(text));
        for (const one of lasting) if (!now.has(one)) lasting.delete(one);
      }).map(text);
      for (const one of lasting) expect(found.filter((other) => other === one)).toEqual([one]);
    }),
  );
});

test("an address that is written anew keeps its place, although others make room for it", () => {
  const { clock, learned, learn } = createBench();
  for (let index = 0; index < 4; index++) learn(addressOf(index), 1);
  for (let index = 4; index < 9; index++) learn(addressOf(index), 100);
  clock.nowMs += 100_000;
  const first = learned.list(0, 2);
  learn(addressOf(8));
  const rest = learned.list(first.next ?? 0, 10);
  const expected = [4, 5, 6, 7, 8].map((index) => addressOf(index).join("."));
  expect([...first.addresses, ...rest.addresses].map(text)).toEqual(expected);
});

function allowOnly(name: typeof A) {
  const target = { kind: "name" as const, text: name, key: name, name };
  return compilePolicy({ denyAlways: [], allowAlways: [target], user: DENY_ALL });
}
