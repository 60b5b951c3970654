import { compilePolicy } from "../../../src/policy/compile.ts";
import { decideAddress } from "../../../src/policy/decide-address.ts";
import { decideName } from "../../../src/policy/decide-name.ts";
import { parseAddress } from "../../../src/policy/address.ts";
import { isDomainName } from "../../../src/policy/domain-name.ts";
import { parsePolicyJson, parseRulesJson, parseTargetsJson } from "../../../src/policy/parse-policy.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import type { Problem, Result } from "../../../src/policy/problem.ts";
import { decideAddressPlainly, decidePlainly, type PlainPolicy } from "../engine/plain-policy.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const TARGETS = [
  "a.example",
  "*.example",
  "*.b.a.example",
  " B.Example. ",
  "192.0.2.1",
  "192.0.2.0/30",
  "192.0.2.3/0",
  "2001:db8::/32",
  "2001:DB8::1",
  "::ffff:192.0.2.1",
  "*",
  "",
  "a..b",
  "xn--bcher-kva.example",
  "bücher.example",
  "1.2.3",
  "10.0.0.0/33",
] as const;
const ACTIONS = ['"allow"', '"deny"', '" Allow "', "null", '"x"', "1"] as const;
const NAMES = [
  "a.example",
  "example",
  "b.a.example",
  "c.b.a.example",
  "b.example",
  "x.bücher.example",
  "xn--bcher-kva.example",
  "",
];
const ADDRESSES = ["192.0.2.1", "192.0.2.2", "203.0.113.9", "2001:db8::1", "2001:db9::1", "0.0.0.0"];

/**
 * Bodies of the API: a value or problems with their places; and what is decided by the value is what a plain
 * reading of it decides.
 */
export const policyBody: Target = {
  name: "policy-body",
  seeds: "policy-body",
  make: (random) => Buffer.from(makePolicy(random)),
  open: async () => plainChecker((input) => check(input.toString("utf8"))),
};

function makePolicy(random: Random): string {
  const rules = Array.from(
    { length: random.below(6) },
    () => `{"action":${random.pick(ACTIONS)},"target":${JSON.stringify(random.pick(TARGETS))}}`,
  );
  return random.once(4)
    ? `[${rules.join()}]`
    : `{"defaultAction":${random.pick(ACTIONS)},"egress":[${rules.join()}]}`;
}

function check(text: string): string {
  checkProblems(parseRulesJson(text));
  checkProblems(parseTargetsJson(text));
  const parsed = parsePolicyJson(text);
  checkProblems(parsed);
  if (!parsed.ok) return "refused";
  if (parsed.value === "blank") return "blank";
  checkDecisions(parsed.value);
  return parsed.value.egress.length === 0 ? "no rules" : "rules";
}

function checkProblems(result: Result<unknown>): void {
  const problems: readonly Problem[] = result.ok ? [] : result.problems;
  if (!result.ok && problems.length === 0) throw new Error("refused, and no problem told");
  for (const { path, message } of problems) {
    if (message === "" || /[\p{Cc}\u2028\u2029]/u.test(path + message))
      throw new Error(`a problem is no plain line: ${JSON.stringify({ path, message })}`);
  }
}

function checkDecisions(policy: Policy): void {
  const compiled = compilePolicy({ denyAlways: [], allowAlways: [], user: policy });
  const plain: PlainPolicy = {
    defaultAction: policy.defaultAction,
    egress: policy.egress.map(({ action, target }) => ({ action, target: target.key })),
  };
  const written = policy.egress.flatMap(({ target }) => [target.key, `x.${target.key}`, target.key.slice(2)]);
  for (const name of [...NAMES, ...written]) {
    if (!isDomainName(name)) continue;
    const { action } = decideName(compiled, name);
    const wanted = decidePlainly(plain, name === "" ? [] : name.split("."));
    if (action !== wanted) throw new Error(`${name}: ${action}, not ${wanted}`);
  }
  for (const address of ADDRESSES) {
    const parsed = parseAddress(address);
    if (!parsed.ok) throw new Error(`${address} is no address`);
    const { octets } = parsed.value;
    const { action } = decideAddress(compiled, octets, 0, octets.length === 4 ? 4 : 16);
    const wanted = decideAddressPlainly(plain, address) ?? policy.defaultAction;
    if (action !== wanted) throw new Error(`${address}: ${action}, not ${wanted}`);
  }
}
