import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AddressRange,
  octetsAfter,
  octetsBefore,
  renderRange,
} from "../../../src/netfilter/ranges/address-octets.ts";
import { diffRanges, listRanges, type PolicyRanges } from "../../../src/netfilter/ranges/policy-ranges.ts";
import { type CompiledPolicy, mergeSteps, removalSteps } from "../../../src/policy/compile.ts";
import { runToEnd } from "../../../src/policy/steps.ts";
import { decideAddress } from "../../../src/policy/decide-address.ts";
import type { Action } from "../../../src/policy/rule.ts";
import { anyAction, anyPrefix } from "../../policy/arbitraries.ts";
import { compiled, denyByDefault, rules, targets } from "../../support/policy.ts";

function rangesOf(policy: CompiledPolicy, family: 4 | 6, action: Action): PolicyRanges {
  const { v4, v6 } = policy.rules;
  return family === 4 ? { octets: 4, rules: v4, action } : { octets: 16, rules: v6, action };
}

function texts(ranges: PolicyRanges): readonly string[] {
  return Array.from(listRanges(ranges), renderRange);
}

function allowed(...egress: readonly string[]): readonly string[] {
  const policy = compiled(denyByDefault(...egress));
  return [...texts(rangesOf(policy, 4, "allow")), ...texts(rangesOf(policy, 6, "allow"))];
}

describe("ranges that rules allow", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["none without address rules", ["allow example.org"], []],
    ["one address", ["allow 192.0.2.7"], ["192.0.2.7"]],
    [
      "an exception cuts the prefix around it",
      ["deny 192.0.2.7", "allow 192.0.2.0/24"],
      ["192.0.2.0-192.0.2.6", "192.0.2.8-192.0.2.255"],
    ],
    [
      "a later rule inside an earlier one is without effect",
      ["allow 192.0.2.0/24", "deny 192.0.2.7"],
      ["192.0.2.0-192.0.2.255"],
    ],
    [
      "neighbours are one, whichever rules decide them",
      ["allow 192.0.2.128/25", "allow 192.0.2.0/25", "deny 192.0.3.0/24"],
      ["192.0.2.0-192.0.2.255"],
    ],
    [
      "the ends of both spaces are reached",
      ["deny 255.255.255.255", "deny 0.0.0.0", "allow 0.0.0.0/0", "allow ::/0"],
      ["0.0.0.1-255.255.255.254", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ],
    [
      "borders carry over octets",
      ["deny 2001:db8::ffff:ffff:ffff:ffff", "allow 2001:db8::/63"],
      ["2001:db8::-2001:db8::ffff:ffff:ffff:fffe", "2001:db8:0:1::-2001:db8:0:1:ffff:ffff:ffff:ffff"],
    ],
    [
      "IPv6 ranges stay IPv6 next to the mapped addresses",
      ["deny ::fffe:0:0/96", "allow ::/0"],
      ["::-::fffd:ffff:ffff", "::ffff:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ],
  ])("%s", (_, egress, expected) => {
    expect(allowed(...egress)).toEqual(expected);
  });
});

const anyAddressRule = fc.tuple(anyAction, anyPrefix).map((parts) => parts.join(" "));
const anyAddressRules = fc.array(anyAddressRule, { maxLength: 40 });
const everyRanges = (policy: CompiledPolicy): readonly PolicyRanges[] =>
  ([4, 6] as const).flatMap((family) =>
    (["allow", "deny"] as const).map((action) => rangesOf(policy, family, action)),
  );

/**
 * What rules say of an address as a lookup's answer would be judged; undefined where only the default does.
 */
function saidOf(policy: CompiledPolicy, octets: Uint8Array | undefined): Action | undefined {
  if (octets === undefined) return undefined;
  const { action, rule } = decideAddress(policy, octets, 0, octets.length === 4 ? 4 : 16);
  return rule === undefined ? undefined : action;
}

/** The mapped addresses are judged as IPv4, and no text of ours writes them as IPv6. */
const isMapped = (octets: Uint8Array | undefined): boolean =>
  octets?.length === 16 && octets.subarray(0, 12).every((octet, index) => octet === (index < 10 ? 0 : 0xff));

/** What is wrong with a list of ranges, in words. */
function faultsOf(policy: CompiledPolicy, ranges: PolicyRanges): readonly string[] {
  const listed = [...listRanges(ranges)];
  const isSaid = (octets: Uint8Array | undefined): boolean => saidOf(policy, octets) === ranges.action;
  return listed.flatMap(({ first, last }, index) => {
    const [below, above] = [octetsBefore(first), octetsAfter(last)];
    const next = listed[index + 1]?.first;
    const [inside, outside] = [
      [first, last],
      [below, above],
    ].map((all) => all.filter((octets) => !isMapped(octets)));
    return [
      ...(Buffer.compare(first, last) > 0 ? ["ends before it begins"] : []),
      ...(next !== undefined && Buffer.compare(above ?? last, next) >= 0 ? ["meets the next one"] : []),
      ...(inside?.every(isSaid) !== true ? ["holds what is not said"] : []),
      ...(outside?.some(isSaid) !== false ? ["leaves out what is said"] : []),
    ].map((fault) => `${renderRange({ first, last })} ${fault}`);
  });
}

test("ranges are ascending, apart, no neighbours, and say at every border what a decision says", () => {
  fc.assert(
    fc.property(anyAddressRules, (egress) => {
      const policy = compiled(denyByDefault(...egress));
      expect(everyRanges(policy).flatMap((ranges) => faultsOf(policy, ranges))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

function holds(ranges: PolicyRanges, octets: Uint8Array): boolean {
  return [...listRanges(ranges)].some(
    ({ first, last }) => Buffer.compare(first, octets) <= 0 && Buffer.compare(octets, last) <= 0,
  );
}

test("every address that a rule names is in the ranges of what is decided for it, and in no others", () => {
  fc.assert(
    fc.property(anyAddressRules, (egress) => {
      const user = denyByDefault(...egress);
      const policy = compiled(user);
      for (const { target } of user.egress) {
        if (target.kind !== "prefix" || isMapped(target.prefix.octets)) continue;
        const { family, octets } = target.prefix;
        for (const action of ["allow", "deny"] as const) {
          expect(holds(rangesOf(policy, family, action), octets)).toBe(saidOf(policy, octets) === action);
        }
      }
    }),
  );
});

function apply(ranges: readonly string[], gone: readonly AddressRange[], come: readonly AddressRange[]) {
  const held = new Set(ranges);
  for (const range of gone) expect(held.delete(renderRange(range))).toBe(true);
  for (const range of come) {
    expect(held.has(renderRange(range))).toBe(false);
    held.add(renderRange(range));
  }
  return held;
}

test("taking away what is gone and adding what comes turns one policy's ranges into another's", () => {
  fc.assert(
    fc.property(anyAddressRules, anyAddressRules, (one, other) => {
      const [before, after] = [
        everyRanges(compiled(denyByDefault(...one))),
        compiled(denyByDefault(...other)),
      ];
      for (const [index, to] of everyRanges(after).entries()) {
        const from = before[index] ?? to;
        const { gone, come } = diffRanges(from, to, { left: 1e6 });
        expect(apply(texts(from), gone, come)).toEqual(new Set(texts(to)));
      }
    }),
    { numRuns: 300 },
  );
});

test("so it is after an edit, which shares the most of what was there", () => {
  fc.assert(
    fc.property(
      anyAddressRules,
      fc.array(anyAddressRule, { maxLength: 4 }),
      fc.array(anyPrefix, { maxLength: 4 }),
      (base, added, removed) => {
        const before = compiled(denyByDefault(...base));
        const merged = runToEnd(mergeSteps(before, rules(...added)));
        const after = runToEnd(removalSteps(merged, targets(...removed)));
        for (const [index, to] of everyRanges(after).entries()) {
          const from = everyRanges(before)[index] ?? to;
          const { gone, come } = diffRanges(from, to, { left: 1e6 });
          expect(apply(texts(from), gone, come)).toEqual(new Set(texts(to)));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("the search costs by what changes, and ends where that is too much", () => {
  const many = Array.from({ length: 5000 }, (_, index) => `allow 10.${index >> 7}.${(index & 127) * 2}.0/24`);
  const before = compiled(denyByDefault(...many));
  const after = runToEnd(mergeSteps(before, rules("deny 10.3.6.0/24")));
  const budget = { left: 1000 };
  const { gone, come } = diffRanges(rangesOf(before, 4, "allow"), rangesOf(after, 4, "allow"), budget);
  expect(gone.map(renderRange)).toEqual(["10.3.6.0-10.3.6.255"]);
  expect(come).toEqual([]);
  expect(budget.left).toBeGreaterThan(980);
  const all = runToEnd(mergeSteps(before, rules("deny 10.0.0.0/8")));
  diffRanges(rangesOf(before, 4, "allow"), rangesOf(all, 4, "allow"), budget);
  expect(budget.left).toBe(-1);
});

describe("the address behind another", () => {
  test.each([
    [
      [192, 0, 2, 7],
      [192, 0, 2, 8],
    ],
    [
      [192, 0, 2, 255],
      [192, 0, 3, 0],
    ],
    [
      [0, 255, 255, 255],
      [1, 0, 0, 0],
    ],
    [[255, 255, 255, 255], undefined],
  ])("%j", (address, expected) => {
    const after = octetsAfter(Uint8Array.from(address));
    expect(after && [...after]).toEqual(expected);
    expect(after && [...(octetsBefore(after) ?? [])]).toEqual(expected && address);
  });

  test("there is none before the first", () => {
    expect(octetsBefore(new Uint8Array(16))).toBeUndefined();
  });
});
