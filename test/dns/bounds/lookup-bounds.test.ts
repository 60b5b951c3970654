import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BoundMet,
  type BoundOptions,
  createLookupBounds,
} from "../../../src/dns/bounds/lookup-bounds.ts";
import { DEFAULT_DNS_CAPACITY } from "../../../src/dns/capacity.ts";
import { createNamesSeen } from "../../../src/dns/bounds/names-seen.ts";
import { decideName } from "../../../src/policy/decide-name.ts";
import { allowByDefault, compiled, qname } from "../../support/policy.ts";

const A = 1;
const TXT = 16;
const MINUTE_MS = 60_000;
const POLICY = compiled(
  allowByDefault("allow *.wild.example.org", "allow *.other.example.org", "allow fixed.example.org"),
);

function createBounds(options: Partial<BoundOptions>) {
  const met: BoundMet[] = [];
  const bounds = createLookupBounds({
    namesPerMinute: 0,
    lookupsPerMinute: 0,
    seed: 7,
    parents: DEFAULT_DNS_CAPACITY.boundParents,
    names: DEFAULT_DNS_CAPACITY.boundNames,
    onMet: (one) => met.push(one),
    ...options,
  });
  const ask = (name: string, nowMs = 0, qtype = A): boolean =>
    bounds.admits(decideName(POLICY, qname(name)), qname(name), qtype, nowMs);
  return { met, ask };
}

const askMany = (ask: (name: string, nowMs?: number) => boolean, parent: string, count: number, nowMs = 0) =>
  Array.from({ length: count }, (_, n) => ask(`n${n}.${parent}`, nowMs)).filter(Boolean).length;

describe("names below a wildcard", () => {
  test("are sent up to the bound, and the same ones again as often as lookups may", () => {
    const { ask } = createBounds({ namesPerMinute: 3 });
    expect(["a", "b", "a", "c", "d", "b", "e"].map((label) => ask(`${label}.wild.example.org`))).toEqual([
      true,
      true,
      true,
      true,
      false,
      true,
      false,
    ]);
  });

  test("count for the wildcard that allowed them, however deep they are", () => {
    const { ask } = createBounds({ namesPerMinute: 1 });
    expect(ask("a.wild.example.org")).toBe(true);
    expect(ask("data.data.wild.example.org")).toBe(false);
    expect(ask("a.other.example.org")).toBe(true);
  });

  test("of a minute that is over do not count", () => {
    const { ask } = createBounds({ namesPerMinute: 2 });
    expect(askMany(ask, "wild.example.org", 9)).toBe(2);
    expect(askMany(ask, "wild.example.org", 9, MINUTE_MS - 1)).toBe(2);
    expect(ask("n8.wild.example.org", MINUTE_MS - 1)).toBe(false);
    expect(ask("n8.wild.example.org", MINUTE_MS)).toBe(true);
  });

  test("go on to count where the clock is set back, and the minute ends one minute later", () => {
    const { ask } = createBounds({ namesPerMinute: 2 });
    expect(askMany(ask, "wild.example.org", 2, 5_000_000)).toBe(2);
    expect(ask("x.wild.example.org", 10)).toBe(false);
    expect(ask("x.wild.example.org", MINUTE_MS + 9)).toBe(false);
    expect(ask("x.wild.example.org", MINUTE_MS + 10)).toBe(true);
  });

  test("of thousands of wildcards have a count each, and those without room one together", () => {
    const { ask, met } = createBounds({ namesPerMinute: 2, parents: 8 });
    for (let n = 0; n < 8; n++) expect(askMany(ask, `d${n}.example`, 3)).toBe(2);
    expect(met).toHaveLength(8);
    expect(askMany(ask, "late.example", 1) + askMany(ask, "later.example", 3)).toBe(2);
    expect(met.at(-1)?.parent).toBeUndefined();
    expect(askMany(ask, "late.example", 3, MINUTE_MS)).toBe(2);
  });
});

describe("lookups below a wildcard", () => {
  test("are bounded in all, whatever their names and types", () => {
    const { ask, met } = createBounds({ lookupsPerMinute: 4 });
    const types = Array.from({ length: 9 }, (_, n) => ask("one.wild.example.org", n, 1000 + n));
    expect(types.filter(Boolean)).toHaveLength(4);
    expect(ask("one.wild.example.org", 10)).toBe(false);
    expect(met).toMatchObject([{ bound: "lookups", perMinute: 4, parent: "wild.example.org" }]);
  });

  test("of the types that give addresses are not counted where a rule names the name itself", () => {
    const { ask } = createBounds({ namesPerMinute: 1, lookupsPerMinute: 2 });
    expect([A, 28, A, 28, A].every((type) => ask("fixed.example.org", 0, type))).toBe(true);
    expect([TXT, 1000, 1001].map((type) => ask("fixed.example.org", 0, type))).toEqual([true, true, false]);
  });
});

describe("what the default allows", () => {
  test.each([
    { names: ["data.example.com", "more.data.example.com"], is: "counted below the last two labels" },
    { names: ["example.com", "www.example.com"], is: "counted together with the domain itself" },
  ])("is $is", ({ names }) => {
    const { ask, met } = createBounds({ namesPerMinute: 1 });
    expect(names.map((name) => ask(name))).toEqual([true, false]);
    expect(met).toMatchObject([
      { bound: "names", parent: "example.com", decision: { layer: "default", rule: undefined } },
    ]);
  });

  test("has a count for each domain, for single labels and the root too", () => {
    const { ask } = createBounds({ namesPerMinute: 1 });
    expect(["a.example", "b.example", "localhost", "", "a.b.example"].map((name) => ask(name))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});

test("a bound that is met is told once a minute, with the rule that decided", () => {
  const { ask, met } = createBounds({ namesPerMinute: 2 });
  askMany(ask, "wild.example.org", 50);
  askMany(ask, "wild.example.org", 50, MINUTE_MS);
  expect(met.map(({ bound, parent, decision }) => [bound, parent, decision.rule?.target.text])).toEqual([
    ["names", "wild.example.org", "*.wild.example.org"],
    ["names", "wild.example.org", "*.wild.example.org"],
  ]);
});

test("without bounds everything is sent", () => {
  const { ask, met } = createBounds({});
  expect(askMany(ask, "wild.example.org", 5000)).toBe(5000);
  expect(met).toEqual([]);
});

test("any sequence of lookups and clocks is admitted as by a plain model", () => {
  const anyName = fc.tuple(
    fc.constantFrom("a", "b", "c", "d"),
    fc.constantFrom("wild.example.org", "p.example", "q.example", "r.example"),
  );
  const anyPassed = fc.oneof(fc.constant(0), fc.nat(1000), fc.constantFrom(20_000, MINUTE_MS, -1, -90_000));
  const steps = fc.array(fc.record({ name: anyName, passed: anyPassed }), { maxLength: 80 });
  fc.assert(
    fc.property(steps, fc.nat(4), fc.nat(6), (list, namesPerMinute, lookupsPerMinute) => {
      const { ask } = createBounds({ namesPerMinute, lookupsPerMinute, parents: 2, seed: 1 });
      const plain = createPlainBounds(namesPerMinute, lookupsPerMinute, 2);
      let nowMs = 1_000_000;
      for (const { name, passed } of list) {
        nowMs += passed;
        expect(ask(name.join("."), nowMs)).toBe(plain(name[0], name[1], nowMs));
      }
    }),
    { numRuns: 500 },
  );
});

interface PlainCount {
  beganMs: number;
  names: Set<string>;
  namesCounted: number;
  lookups: number;
}

const fresh = (nowMs: number): PlainCount => ({
  beganMs: nowMs,
  names: new Set(),
  namesCounted: 0,
  lookups: 0,
});

/**
 * The same rules with a Map and Sets: minutes in the order in which they began, one more for those that have
 * no room.
 */
function createPlainBounds(namesPerMinute: number, lookupsPerMinute: number, parents: number) {
  const counts = new Map<string, PlainCount>();
  let shared = fresh(-Infinity);
  let latestMs = -Infinity;
  function countOf(parent: string, nowMs: number): PlainCount {
    const isOver = ({ beganMs }: PlainCount): boolean => nowMs - beganMs >= MINUTE_MS;
    const known = counts.get(parent);
    if (known !== undefined && !isOver(known)) return known;
    counts.delete(parent);
    const [oldest] = counts;
    if (counts.size === parents && oldest !== undefined && isOver(oldest[1])) counts.delete(oldest[0]);
    if (counts.size < parents) counts.set(parent, fresh(nowMs));
    else if (isOver(shared)) shared = fresh(nowMs);
    return counts.get(parent) ?? shared;
  }
  return (label: string, parent: string, nowMs: number): boolean => {
    if (namesPerMinute === 0 && lookupsPerMinute === 0) return true;
    for (const count of nowMs < latestMs ? [...counts.values(), shared] : []) {
      count.beganMs = Math.min(count.beganMs, nowMs);
      count.names.clear();
    }
    latestMs = nowMs;
    const count = countOf(parent, nowMs);
    if (lookupsPerMinute > 0 && count.lookups >= lookupsPerMinute) return false;
    const isNew = namesPerMinute > 0 && !count.names.has(`${label}.${parent}`);
    if (isNew && count.namesCounted >= namesPerMinute) return false;
    if (isNew) {
      count.names.add(`${label}.${parent}`);
      count.namesCounted += 1;
    }
    count.lookups += 1;
    return true;
  };
}

describe("names seen", () => {
  test("are told by name and window, and leave when their minute is over", () => {
    const seen = createNamesSeen(4, MINUTE_MS, 3);
    for (const name of ["a", "b", "c", "d"]) seen.note(name, 1, 0);
    expect([seen.has("a", 1), seen.has("a", 2), seen.has("e", 1)]).toEqual([true, false, false]);
    seen.note("e", 2, MINUTE_MS);
    expect([seen.size(), seen.has("a", 1), seen.has("e", 2)]).toEqual([3, false, true]);
  });

  test("that find no room are not remembered, and displace nothing", () => {
    const seen = createNamesSeen(2, MINUTE_MS, 3);
    for (const name of ["a", "b", "c"]) seen.note(name, 1, 0);
    expect(["a", "b", "c"].map((name) => seen.has(name, 1))).toEqual([true, true, false]);
  });
});
