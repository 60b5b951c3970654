import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import {
  type KernelState,
  NOTHING_PRESENT,
  renderPieces,
  renderRuleset,
  renderTeardown,
} from "../../src/netfilter/render-nft.ts";
import { withoutGuard } from "../../src/netfilter/ruleset.ts";
import { compiledPolicy } from "../support/policy.ts";
import { goldenInputs } from "./golden-inputs.ts";
import { MARKS, rulesetInput } from "./ruleset-input.ts";

test.each(Object.entries(goldenInputs))("golden/%s.nft", (name, input) => {
  const golden = readFileSync(new URL(`golden/${name}.nft`, import.meta.url), "utf8");
  expect(renderRuleset(compileRuleset(input))).toBe(golden);
});

const inet = { family: "inet", name: "opensandbox" } as const;
const guard = { family: "netdev", name: "opensandbox_guard" } as const;
const hook = { type: "filter", name: "output", priority: 0 };

/** The lines that remove something. */
function removals(present: KernelState, mode: "dns" | "dns+nft" = "dns+nft"): readonly string[] {
  const text = renderRuleset(compileRuleset(rulesetInput({ mode })), present);
  return text.split("\n").filter((line) => line.startsWith("delete "));
}

function flushesOfSets(present: KernelState): readonly string[] {
  const text = renderRuleset(compileRuleset(rulesetInput()), present);
  return text.split("\n").filter((line) => line.startsWith("flush set "));
}

describe("what is in the kernel already", () => {
  test("a chain that fits stays", () => {
    const chains = [{ family: "inet", table: "opensandbox", name: "egress", hook } as const];
    expect(removals({ tables: [inet], chains })).toEqual([]);
  });

  test.each([
    ["another priority", "egress", { ...hook, priority: 10 }],
    ["another hook", "egress", { ...hook, name: "input" }],
    ["another type", "egress", { ...hook, type: "route" }],
    ["no hook", "egress", undefined],
    ["a hook where none is wanted", "refuse", hook],
    ["a name that nobody wants", "old", hook],
  ])("a chain with %s is exchanged", (_, name, there) => {
    const chains = [{ family: "inet", table: "opensandbox", name, hook: there } as const];
    expect(removals({ tables: [inet], chains })).toEqual([`delete chain inet opensandbox ${name}`]);
  });

  test("the guard of an interface that is gone goes", () => {
    const egress = { ...hook, name: "egress" };
    const chains = ["egress_eth0", "egress_eth9"].map((name) => {
      return { family: "netdev", table: "opensandbox_guard", name, hook: egress } as const;
    });
    expect(removals({ tables: [guard], chains })).toEqual([
      "delete chain netdev opensandbox_guard egress_eth9",
    ]);
  });

  test("in dns mode the guard's tables go", () => {
    expect(removals({ tables: [inet, guard], chains: [] }, "dns")).toEqual([
      "delete table netdev opensandbox_guard",
    ]);
  });

  test("a set that can hold something is emptied before it is filled", () => {
    expect(flushesOfSets({ tables: [inet], chains: [] })).toContain("flush set inet opensandbox allow_v4");
    expect(flushesOfSets(NOTHING_PRESENT)).toEqual([]);
  });

  test("teardown names only what is there", () => {
    expect(renderTeardown({ tables: [inet], chains: [] })).toBe("delete table inet opensandbox\n");
    expect(renderTeardown({ tables: [], chains: [] })).toBe("");
  });
});

test("without the guard nothing is stamped, and our marks are cleared all the same", () => {
  const text = renderRuleset(withoutGuard(compileRuleset(rulesetInput())));
  expect(text).not.toMatch(/netdev|table arp|0x5a5a1234/);
  expect(text).toContain(
    "meta mark 0x1a2b3c4d meta priority 5e6f:7a1b meta mark set 0 meta priority set none",
  );
});

test("a comment is cut between two names, and loses what nft cannot take", () => {
  const names = Array.from({ length: 20 }, (_, index) => `name${index}.example.org`).join(" ");
  const restore = {
    v4: [
      { address: "198.51.100.1", timeoutSeconds: 1, comment: names },
      { address: "198.51.100.2", timeoutSeconds: 1, comment: 'a"; flush ruleset\n' },
    ],
    v6: [],
  };
  const text = renderRuleset(compileRuleset(rulesetInput({ restore })));
  const comments = text.match(/(?<=timeout 1s comment ")[^"]*/g) ?? [];
  expect(comments[0]).toMatch(/^(name\d+\.example\.org ?)+$/);
  expect(comments[0]?.length).toBeLessThanOrEqual(128);
  expect(comments[1]).toBe("a?; flush ruleset?");
});

test.each([
  ["generation", { generation: 0 }],
  ["generation", { generation: 2 ** 27 }],
  ["stampMark", { marks: { ...MARKS, stampMark: 0 } }],
  ["priority", { marks: { ...MARKS, priority: 0xffffffff } }],
  ["group", { marks: { ...MARKS, group: 0xffffffff } }],
  ["not an address", { doh: ["example.org"] }],
])("an impossible %s is a mistake of ours", (message, changes) => {
  expect(() => compileRuleset(rulesetInput(changes))).toThrow(message);
});

test("no piece of the text is long, however many prefixes there are", () => {
  const lines = Array.from({ length: 5000 }, (_, index) => `allow 2001:db8:${(2 * index).toString(16)}::/48`);
  const ruleset = compileRuleset(rulesetInput({ policy: compiledPolicy("deny", ...lines) }));
  const pieces = [...renderPieces(ruleset, NOTHING_PRESENT)];
  expect(pieces.join("")).toBe(renderRuleset(ruleset));
  expect(pieces.length).toBeGreaterThan(5000);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(500);
});
