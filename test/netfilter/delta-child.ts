/**
 * Runs in a namespace of its own: applies random policies one after the other, every other one an edit of the
 * one before, each both over netlink and whole by nft(8), and says as JSON how often the kernel listed the
 * same and what differed.
 */
import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import { openDeltaSocket } from "../../src/netfilter/io/delta-socket.ts";
import { createNftApplier } from "../../src/netfilter/io/nft.ts";
import { type CompiledPolicy, mergeSteps, removalSteps } from "../../src/policy/compile.ts";
import { replacedBy } from "../../src/policy/edit.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { compiledPolicy, rules } from "../support/policy.ts";
import { rulesetInput } from "./ruleset-input.ts";

const prefix = fc.oneof(
  fc
    .tuple(fc.integer({ min: 10, max: 12 }), fc.integer({ min: 8, max: 32 }))
    .map(([a, b]) => `${a}.9.0.0/${b}`),
  fc.integer({ min: 1, max: 4 }).map((length) => `0.0.0.0/${length}`),
  fc.integer({ min: 4, max: 128 }).map((length) => `2001:db8::/${length}`),
  fc.constantFrom("255.255.255.255", "0.0.0.0", "::", "ffff::/16", "10.9.0.1", "10.9.0.2"),
);
const anyRules = fc.array(
  fc.tuple(fc.constantFrom("allow", "deny"), prefix).map((words) => words.join(" ")),
  { maxLength: 12 },
);
const revoked = fc.record({
  v4: fc.uniqueArray(fc.constantFrom("203.0.113.1", "203.0.113.2", "203.0.113.3")),
  v6: fc.uniqueArray(fc.constantFrom("2001:db8:9::1")),
});
const steps = fc.sample(fc.tuple(anyRules, revoked), { numRuns: 60, seed: Number(process.argv[2]) });

const deltas = openDeltaSocket();
let applied = 0;
const counted = {
  port: deltas.port,
  close: deltas.close,
  apply(delta: Parameters<typeof deltas.apply>[0]) {
    deltas.apply(delta);
    applied += 1;
  },
};
const littleByLittle = createNftApplier({ deltas: counted });
const whole = createNftApplier();
const network = { interfaces: [], onLinkV4: [], onLinkV6: [], ipv6: true };
const differences: { readonly delta: string; readonly nft: string }[] = [];
let policy = compiledPolicy("deny");
for (const [index, [texts, changes]] of [[[], { v4: [], v6: [] }] as const, ...steps].entries()) {
  policy = index % 2 === 0 ? compiledPolicy("deny", ...texts) : edit(policy, texts);
  const ruleset = compileRuleset(rulesetInput({ policy, revoked: changes, generation: index + 1, network }));
  await littleByLittle.replace(ruleset);
  const byDelta = listTable();
  await whole.replace(ruleset);
  const byNft = listTable();
  if (byDelta !== byNft) differences.push({ delta: byDelta, nft: byNft });
}
deltas.close();
process.stdout.write(JSON.stringify({ applied, differences }));

/** The first rule's target is taken out, the others are merged in. */
function edit(before: CompiledPolicy, texts: readonly string[]): CompiledPolicy {
  const [removed, ...added] = rules(...texts);
  const merged = runToEnd(mergeSteps(before, added));
  return removed === undefined ? merged : runToEnd(removalSteps(merged, [replacedBy(removed)]));
}

/** Without what moves by itself, and with elements in one order. */
function listTable(): string {
  const listing = execFileSync("nft", ["list", "table", "inet", "opensandbox"], { encoding: "utf8" });
  return listing.replaceAll(/ expires \S+?(?=[, ]|$)/gm, "").replaceAll(/packets \d+ bytes \d+/g, "");
}
