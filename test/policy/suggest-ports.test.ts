/** Suggestions where connections were seen, and where rules have ports. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CompiledPolicy, compilePolicy } from "../../src/policy/compile.ts";
import { decideAddressFlow } from "../../src/policy/decide-address.ts";
import { decideName, decideNameFlow } from "../../src/policy/decide-name.ts";
import type { Decision } from "../../src/policy/decision.ts";
import type { FlowKind } from "../../src/policy/flow-set.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { renderRule } from "../../src/policy/rule.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { type Suggestion, suggestSteps } from "../../src/policy/suggest.ts";
import { qname, rules, targets, words } from "../support/policy.ts";

interface Given {
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  /** `tcp/443 udp/53 icmp gre`, by the target. */
  readonly flows?: Readonly<Record<string, string>>;
  /** Names of which other flows may have been seen. */
  readonly partly?: readonly string[];
  readonly rules?: readonly string[];
  readonly defaultAction?: "allow" | "deny";
  readonly denyAlways?: readonly string[];
  readonly wildcards?: boolean;
  readonly ports?: boolean;
}

const compiled = ({ denyAlways = [] }: Given, user: Policy) =>
  compilePolicy({ denyAlways: targets(...denyAlways), allowAlways: [], user });

function userOf({ defaultAction = "deny", rules: written = [] }: Given): Policy {
  return { defaultAction, egress: rules(...written) };
}

function flowsOf({ flows = {} }: Given, target: string): readonly FlowKind[] {
  return (flows[target] ?? "").split(" ").flatMap((flow): readonly FlowKind[] => {
    const [protocol = "", port = "0"] = flow.split("/");
    if (protocol === "") return [];
    const known = (["tcp", "udp", "icmp"] as const).find((one) => one === protocol);
    return [{ protocol: known ?? "other", port: Number(port) }];
  });
}

function suggest(given: Given): Suggestion {
  const { names = [], addresses = [], wildcards = false, ports = true } = given;
  const policy = userOf(given);
  const seen = {
    names: names.map(qname),
    addresses,
    flowsOf: (target: string) => flowsOf(given, target),
    isPartly: (name: string) => given.partly?.includes(name) === true,
  };
  return runToEnd(suggestSteps(seen, { policy, compiled: compiled(given, policy), wildcards, ports }));
}

describe("by ports", () => {
  test.each<[string, Given, readonly string[]]>([
    [
      "a name is allowed for the ports that were seen, and each protocol by itself",
      { names: ["a.example"], flows: { "a.example": "tcp/443 tcp/8080 udp/443 icmp" } },
      ["allow a.example /443,8080", "allow a.example udp/443", "allow a.example icmp"],
    ],
    [
      "a name is allowed whole if only some of its flows are known",
      { names: ["a.example"], flows: { "a.example": "tcp/443" }, partly: ["a.example"] },
      ["allow a.example"],
    ],
    ["a name without a connection is allowed whole", { names: ["a.example"] }, ["allow a.example"]],
    [
      "ports beside each other are a range",
      { names: ["a.example"], flows: { "a.example": "tcp/8001 tcp/8000 tcp/8002" } },
      ["allow a.example /8000-8002"],
    ],
    [
      "a protocol that no rule has a word for opens the whole name",
      { names: ["a.example"], flows: { "a.example": "tcp/443 gre" } },
      ["allow a.example"],
    ],
    [
      "a name that a rule allows whole stays so, as what it lets through is not seen",
      { names: ["a.example"], rules: ["allow a.example"], flows: { "a.example": "tcp/443" } },
      ["allow a.example"],
    ],
    [
      "an address is allowed for its ports",
      { addresses: ["192.0.2.7", "2001:db8::7"], flows: { "192.0.2.7": "udp/123" } },
      ["allow 192.0.2.7 udp/123", "allow 2001:db8::7"],
    ],
    [
      "names with the same ports become a wildcard of these, others do not",
      {
        wildcards: true,
        names: ["a.example.org", "b.example.org", "c.example.org"],
        flows: { "a.example.org": "tcp/443", "b.example.org": "tcp/443", "c.example.org": "tcp/22" },
      },
      ["allow *.example.org /443", "allow c.example.org /22"],
    ],
  ])("%s", (_, given, expected) => {
    expect(words(suggest(given).policy.egress)).toEqual(expected);
  });
});

describe("whether by ports or not, rules with ports are no wider afterwards", () => {
  test.each<[string, Given, readonly string[]]>([
    [
      "a name keeps its ports, and gets those that were seen beside them",
      { names: ["db.example"], rules: ["allow db.example /5432"], flows: { "db.example": "tcp/5433" } },
      ["allow db.example /5432", "allow db.example /5433"],
    ],
    [
      "the same where only some of its flows are known",
      {
        names: ["db.example"],
        rules: ["allow db.example /5432"],
        flows: { "db.example": "tcp/5433" },
        partly: ["db.example"],
      },
      ["allow db.example /5432", "allow db.example /5433"],
    ],
    [
      "a name with a denied port is allowed whole beside it, if only some of its flows are known",
      {
        names: ["a.example"],
        rules: ["deny a.example /25"],
        flows: { "a.example": "tcp/443" },
        partly: ["a.example"],
      },
      ["deny a.example /25", "allow a.example"],
    ],
    [
      "a name below a wildcard with ports has these",
      { names: ["a.example.org"], rules: ["allow *.example.org /443"] },
      ["allow a.example.org /443"],
    ],
    [
      "a port that is denied ahead of the name stays denied",
      { names: ["a.example"], rules: ["deny a.example /25", "allow a.example"] },
      ["deny a.example /25", "allow a.example"],
    ],
    [
      "a port that is denied of every destination stays denied",
      { names: ["a.example"], rules: ["deny * /25", "allow a.example"] },
      ["deny * /25", "allow a.example"],
    ],
    [
      "what every destination is allowed needs no rule, and denied names stay so",
      {
        names: ["a.example", "b.example", "c.example"],
        rules: ["deny c.example", "allow * /443"],
        flows: { "b.example": "tcp/80" },
      },
      ["deny c.example", "allow * /443", "allow b.example /80"],
    ],
    [
      "a name that is denied behind what every destination is allowed stays as it is",
      { names: ["a.example"], rules: ["allow * tcp/1-443", "deny a.example tcp"] },
      ["allow * tcp/1-443", "deny a.example tcp"],
    ],
    [
      "an address whose seen port a rule denies opens no other",
      {
        addresses: ["192.0.2.7"],
        rules: ["deny 192.0.2.0/24 /25"],
        flows: { "192.0.2.7": "tcp/25" },
      },
      ["deny 192.0.2.0/24 /25"],
    ],
  ])("%s", (_, given, expected) => {
    for (const ports of [false, true])
      expect(words(suggest({ ...given, ports }).policy.egress)).toEqual(expected);
  });
});

test("a flow that a rule denies is left out, and named with the rule", () => {
  const { policy, leftOut } = suggest({
    names: ["a.example"],
    rules: ["deny a.example /25", "allow a.example /443"],
    flows: { "a.example": "tcp/25 udp/25 tcp/80" },
  });
  expect(words(policy.egress)).toEqual(["deny a.example /25", "allow a.example /443", "allow a.example /80"]);
  expect(leftOut).toEqual([{ target: "a.example", layer: "user", rule: "a.example tcp/25" }]);
});

const NAMES = ["a.example.org", "b.example.org", "c.example"];
const ADDRESS = "192.0.2.7";
const OCTETS = Uint8Array.of(192, 0, 2, 7);
/** Of no rule but those for every destination. */
const ELSEWHERE = Uint8Array.of(203, 0, 113, 9);
const FLOWS: readonly FlowKind[] = [
  { protocol: "tcp", port: 25 },
  { protocol: "tcp", port: 443 },
  { protocol: "udp", port: 443 },
  { protocol: "icmp", port: 0 },
];
const anyScope = fc.constantFrom("", " /25", " /443", " tcp/1-443", " udp/443", " icmp", " udp", " tcp");
const anyRule = fc
  .tuple(
    fc.constantFrom("allow", "deny"),
    fc.constantFrom(...NAMES, "*.example.org", "192.0.2.0/24", ADDRESS, "*"),
    anyScope,
  )
  .filter(([, target, scope]) => target !== "*" || scope !== "")
  .map((parts) => `${parts[0]} ${parts[1]}${parts[2]}`);
const anyFlows = fc.subarray(["tcp/25", "tcp/443", "udp/443", "icmp"]).map((flows) => flows.join(" "));
const anyGiven: fc.Arbitrary<Given> = fc.record({
  names: fc.subarray(NAMES),
  addresses: fc.subarray([ADDRESS]),
  flows: fc.dictionary(fc.constantFrom(...NAMES, ADDRESS), anyFlows),
  rules: fc.array(anyRule, { maxLength: 5 }),
  wildcards: fc.boolean(),
  ports: fc.boolean(),
});

/** Rules for addresses are asked first. */
function decideFlow(policy: CompiledPolicy, name: string, flow: FlowKind): Decision {
  const lookup = decideName(policy, qname(name));
  if (lookup.action === "deny" && lookup.rule !== undefined) return lookup;
  const byAddress = decideAddressFlow(policy, ELSEWHERE, flow);
  return byAddress.rule === undefined ? decideNameFlow(policy, qname(name), flow) : byAddress;
}

const isDenied = ({ action, rule }: Decision): boolean => action === "deny" && rule !== undefined;

/** Each flow with what has to become of it, where that is said, and what does. */
function* judged(given: Given): Generator<readonly [string, string]> {
  const before = compiled(given, userOf(given));
  const after = compiled(given, suggest(given).policy);
  for (const name of given.names ?? []) {
    const isNameDenied = isDenied(decideName(before, qname(name)));
    const isFound = decideName(after, qname(name)).action === "allow";
    for (const flow of FLOWS) {
      const was = decideFlow(before, name, flow);
      const is = isFound ? decideFlow(after, name, flow).action : "deny";
      const place = `${name} ${flow.protocol} ${flow.port}`;
      if (isNameDenied || isDenied(was)) yield [`${place}: deny`, `${place}: ${is}`];
      else if (was.action === "allow" || isSeen(given, name, flow))
        yield [`${place}: allow`, `${place}: ${is}`];
    }
  }
  for (const flow of FLOWS) {
    const was = decideAddressFlow(before, OCTETS, flow);
    const is = decideAddressFlow(after, OCTETS, flow).action;
    const place = `${ADDRESS} ${flow.protocol} ${flow.port}`;
    const isTried = (given.addresses ?? []).length > 0 && isSeen(given, ADDRESS, flow);
    if (was.rule !== undefined) yield [`${place}: ${was.action}`, `${place}: ${is}`];
    else if (isTried) yield [`${place}: allow`, `${place}: ${is}`];
  }
}

test("whatever the policy, each flow that was seen passes or a rule denies it, and no rule's denial is lost", () => {
  let count = 0;
  fc.assert(
    fc.property(anyGiven, (given) => {
      const all = [...judged(given)];
      count += all.length;
      expect(all.map(([, is]) => is)).toEqual(all.map(([wanted]) => wanted));
    }),
    { numRuns: 500 },
  );
  expect(count).toBeGreaterThan(1000);
});

function isSeen(given: Given, target: string, flow: FlowKind): boolean {
  return flowsOf(given, target).some(
    ({ protocol, port }) => protocol === flow.protocol && port === flow.port,
  );
}

test("a suggestion shows ports as numbers and ranges", () => {
  const flows = { "a.example": "tcp/443 tcp/8000 tcp/8001 udp/53" };
  expect(suggest({ names: ["a.example"], flows }).policy.egress.map(renderRule)).toEqual([
    { action: "allow", target: "a.example", ports: [443, "8000-8001"] },
    { action: "allow", target: "a.example", ports: [53], protocol: "udp" },
  ]);
});
