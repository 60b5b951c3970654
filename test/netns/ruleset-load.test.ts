/** Whatever is compiled, nft(8) takes; and how long large policies take. */
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { argvIn, createNamespace, execIn, type OwnedNamespace } from "../../src/netns/namespace.ts";
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import { exceedsElements, MAX_FLOW_ELEMENTS } from "../../src/netfilter/ranges/element-limit.ts";
import { createNftApplier } from "../../src/netfilter/io/nft.ts";
import { renderRuleset } from "../../src/netfilter/render-nft.ts";
import type { Tool } from "../../src/netfilter/io/run-tool.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { anyRulesetInput } from "../netfilter/any-ruleset-input.ts";
import { rulesetInput } from "../netfilter/ruleset-input.ts";
import { promised } from "../support/limits.ts";
import { compiled, rules } from "../support/policy.ts";

let namespace: OwnedNamespace;
let nft: Tool;
beforeAll(async () => {
  namespace = await createNamespace("load");
  const [program, ...leading] = argvIn(namespace, ["nft"]);
  nft = [program, ...leading];
});
afterAll(async () => {
  await namespace[Symbol.asyncDispose]();
});

test("every ruleset is taken over the one before, whatever both are", async () => {
  const applier = createNftApplier({ nft });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(anyRulesetInput(), async (input) => {
      await applier.replace(compileRuleset(input));
      taken += 1;
    }),
    { numRuns: 40 },
  );
  expect(taken).toBe(40);
  await applier.teardown();
});

test("every ruleset is taken where none is, as an operator would send it", async () => {
  await fc.assert(
    fc.asyncProperty(anyRulesetInput(), async (input) => {
      const text = renderRuleset(compileRuleset(input));
      const { stderr } = await execIn(namespace, ["nft", "-c", "-f", "-"], { input: text });
      expect(stderr).toBe("");
    }),
    { numRuns: 40 },
  );
});

test("as many elements of addresses with ports as there may be are loaded, and loaded again", async () => {
  const ports = Array.from({ length: 256 }, (_, at) => 2 * at + 1).join(",");
  const count = MAX_FLOW_ELEMENTS / 256;
  const lines = Array.from({ length: count }, (_, at) => `allow 10.${at >> 8}.${at & 255}.0/25 /${ports}`);
  const policy = compiled({ defaultAction: "deny", egress: rules(...lines) });
  expect(runToEnd(exceedsElements(policy))).toBe(false);
  const ruleset = compileRuleset(rulesetInput({ policy }));
  const applier = createNftApplier({ nft });
  const begin = performance.now();
  await applier.replace(ruleset);
  const first = performance.now();
  await applier.replace(ruleset);
  const times = [first - begin, performance.now() - first].map(Math.round);
  // oxlint-disable-next-line no-console -- the figures are what it is for
  console.log(`${MAX_FLOW_ELEMENTS} elements: first load ${times[0]} ms, again ${times[1]} ms`);
  const { stdout } = await execIn(namespace, [
    "nft",
    "-j",
    "list",
    "set",
    "inet",
    "opensandbox",
    "allow_ports_v4",
  ]);
  expect(stdout.match(/"concat"/g)).toHaveLength(MAX_FLOW_ELEMENTS);
  await applier.teardown();
});

test.each([10, 4096, 100_000])("%i prefixes are loaded, and loaded again", async (count) => {
  const lines = Array.from({ length: count }, (_, index) => {
    const group = (index * 4).toString(16).padStart(6, "0");
    return index % 2 === 0
      ? `allow 2001:db8:${group.slice(0, 2)}${group.slice(2, 4)}:${group.slice(4)}00::/64`
      : `${index % 3 === 0 ? "deny" : "allow"} ${10 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/25`;
  });
  const policy = compiled({ defaultAction: "deny", egress: lines.flatMap((line) => rules(line)) });
  const begin = performance.now();
  const ruleset = compileRuleset(
    rulesetInput({ policy, network: { interfaces: [], onLinkV4: [], onLinkV6: [], ipv6: true } }),
  );
  renderRuleset(ruleset);
  const rendered = performance.now();
  const applier = createNftApplier({ nft });
  await applier.replace(ruleset);
  const first = performance.now();
  await applier.replace(ruleset);
  const again = performance.now();
  const times = [rendered - begin, first - rendered, again - first].map(Math.round);
  // oxlint-disable-next-line no-console -- the figures are what it is for
  console.log(
    `${count} prefixes: compile and render ${times[0]} ms, first load ${times[1]} ms, again ${times[2]} ms`,
  );
  expect(again - begin).toBeLessThan(promised(20_000));
  const { stdout } = await execIn(namespace, ["nft", "list", "set", "inet", "opensandbox", "allow_v6"]);
  expect(stdout.match(/::\/64/g)).toHaveLength(Math.ceil(count / 2));
  await applier.teardown();
});
