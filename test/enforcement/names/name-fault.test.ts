import { expect, test } from "vitest";
import type { JudgedFlow } from "../../../src/enforcement/names/judged-flow.ts";
import { passesOddForm } from "../../../src/enforcement/names/name-fault.ts";
import type { CompiledPolicy } from "../../../src/policy/compile.ts";
import { compiledPolicy } from "../../support/policy.ts";

const flow = (isStrict: boolean): JudgedFlow => ({
  isStrict,
  port: 443,
  address: Buffer.of(198, 51, 100, 50),
  owners: () => [],
  isLearned: () => true,
});
const [DENYING, ALLOWING] = [compiledPolicy("deny"), compiledPolicy("allow", "deny one.example.org")];
const AUDITING: CompiledPolicy = { ...ALLOWING, audits: DENYING };
const ASKING = compiledPolicy("allow", "allow one.example.org /443 app tls");

test.each<[string, CompiledPolicy, CompiledPolicy | undefined, boolean, boolean]>([
  ["the default action denies", DENYING, undefined, false, false],
  ["the default action allows", ALLOWING, undefined, true, false],
  ["a change to a policy that denies is under way", ALLOWING, DENYING, false, false],
  ["audit mode is on", AUDITING, undefined, true, true],
  ["a rule asks what is spoken at the port", ASKING, undefined, false, false],
])("what cannot be read, where %s", (_, active, pending, known, strict) => {
  const passes = (isStrict: boolean) => passesOddForm({ active, pending }, flow(isStrict));
  expect([passes(false), passes(true)]).toEqual([known, strict]);
});
