import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SPOKEN_APPS } from "../../src/policy/app.ts";
import { parseAddress } from "../../src/policy/address.ts";
import { type CompiledPolicy, mergeSteps, removalSteps } from "../../src/policy/compile.ts";
import { decideAddress, decideAddressFlow, findScopedAllow } from "../../src/policy/decide-address.ts";
import { allowsBelow, decideName, decideNameFlow, flowsOfName } from "../../src/policy/decide-name.ts";
import { EVERY_FLOW, type FlowKind, holdsFlow, isNone } from "../../src/policy/flow-set.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { renderPolicy } from "../../src/policy/policy.ts";
import { describeRule, type Rule } from "../../src/policy/rule.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import {
  anyAction,
  anyIpv4,
  anyIpv6,
  anyName,
  anyScopedRule,
  anyRemoval,
  PORTS_ASKED,
} from "./arbitraries.ts";
import {
  compiled,
  compiledPolicy,
  denyByDefault,
  mergeRules,
  nameOf,
  qname,
  removalOf,
  removeTargets,
  rules,
  valueOf,
  words,
} from "../support/policy.ts";

const anyFlow: fc.Arbitrary<FlowKind> = fc.oneof(
  fc.record({
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    port: fc.constantFrom(...PORTS_ASKED),
  }),
  fc.record({
    protocol: fc.constant("tcp" as const),
    port: fc.constantFrom(...PORTS_ASKED),
    app: fc.constantFrom(...SPOKEN_APPS, "other" as const),
  }),
  fc.record({ protocol: fc.constantFrom("icmp" as const, "other" as const), port: fc.constant(0) }),
);

/** Whether a rule speaks of the flow, from what was written. */
function speaksOf({ action, scope }: Rule, { protocol, port, app: spoken }: FlowKind): boolean {
  if (scope === undefined) return true;
  const { ports, protocol: said, app } = scope.written;
  if (app !== undefined && app !== "any" && spoken !== undefined && app !== spoken) return false;
  const protocols = said === undefined ? (action === "deny" ? ["tcp", "udp"] : ["tcp"]) : [said];
  if (!protocols.includes(protocol)) return false;
  return ports === undefined || ports.some((entry) => holdsPort(String(entry), port));
}

function holdsPort(entry: string, port: number): boolean {
  const [first = "", last = first] = entry.split("-");
  return Number(first) <= port && port <= Number(last);
}

function plainlyMatches(
  { target }: Rule,
  asked: { readonly name?: string; readonly address?: string },
): boolean {
  if (target.kind === "everywhere") return true;
  if (target.kind === "name") return asked.name === target.key;
  if (target.kind === "wildcard") return asked.name?.endsWith(target.key.slice(1)) === true;
  if (asked.address === undefined) return false;
  const { octets } = valueOf(parseAddress(asked.address));
  const { prefix } = target;
  if (octets.length !== prefix.octets.length) return false;
  return bits(octets).slice(0, prefix.length) === bits(prefix.octets).slice(0, prefix.length);
}

function bits(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(2).padStart(8, "0")).join("");
}

/** The list read from the top. */
function decidePlainly(
  { egress, defaultAction }: Policy,
  asked: { readonly name?: string; readonly address?: string },
  flow: FlowKind,
): { readonly action: string; readonly rule: string | undefined } {
  const rule = egress.find((one) => plainlyMatches(one, asked) && speaksOf(one, flow));
  return { action: rule?.action ?? defaultAction, rule: rule && describeRule(rule) };
}

function shown({ action, rule }: { readonly action: string; readonly rule: Rule | undefined }): object {
  return { action, rule: rule && describeRule(rule) };
}

const anyPolicy = fc.record({
  egress: fc.array(anyScopedRule, { maxLength: 25 }).map((texts) => rules(...texts)),
  defaultAction: anyAction,
});

function octetsOf(address: string): Uint8Array {
  return valueOf(parseAddress(address)).octets;
}

const EVERY_FLOW_ASKED: readonly FlowKind[] = [
  ...PORTS_ASKED.flatMap((port) => [{ protocol: "tcp", port } as const, { protocol: "udp", port } as const]),
  { protocol: "icmp", port: 0 },
  { protocol: "other", port: 0 },
];

test("flows to names and addresses are decided as by reading the list from the top", () => {
  fc.assert(
    fc.property(
      anyPolicy,
      fc.array(fc.tuple(anyName, anyFlow)),
      fc.array(fc.tuple(fc.oneof(anyIpv4, anyIpv6), anyFlow)),
      (policy, names, addresses) => {
        const made = compiled(policy);
        for (const [name, flow] of names)
          expect(shown(decideNameFlow(made, qname(name), flow))).toEqual(
            decidePlainly(policy, { name }, flow),
          );
        for (const [address, flow] of addresses) {
          const found = decideAddressFlow(made, octetsOf(address), flow);
          expect(shown(found)).toEqual(decidePlainly(policy, { address }, flow));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a name is looked up exactly if some flow to it may pass", () => {
  fc.assert(
    fc.property(anyPolicy, fc.array(anyName), (policy, names) => {
      const made = compiled(policy);
      for (const name of names) {
        const mayPass = EVERY_FLOW_ASKED.some(
          (flow) => decidePlainly(policy, { name }, flow).action === "allow",
        );
        expect(decideName(made, qname(name)).action).toBe(mayPass ? "allow" : "deny");
        const isKnownAbove = allowsBelow(made, qname(name.split(".").slice(1).join(".")));
        expect(isKnownAbove || !mayPass).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test("the flows of a name are those that the rules for names let pass, rules for every destination left out", () => {
  fc.assert(
    fc.property(anyPolicy, fc.array(anyName), (policy, names) => {
      const made = compiled(policy);
      const ofNames = {
        ...policy,
        egress: policy.egress.filter(({ target }) => target.kind !== "everywhere"),
      };
      for (const name of names) {
        const flows = flowsOfName(made, qname(name)) ?? EVERY_FLOW;
        for (const flow of EVERY_FLOW_ASKED) {
          expect(holdsFlow(flows, flow)).toBe(decidePlainly(ofNames, { name }, flow).action === "allow");
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("a scoped address rule that lets something pass is found, and no other", () => {
  fc.assert(
    fc.property(anyPolicy, fc.array(fc.oneof(anyIpv4, anyIpv6)), (policy, addresses) => {
      const made = compiled(policy);
      for (const address of addresses) {
        const firsts = EVERY_FLOW_ASKED.map((flow) => decideAddressFlow(made, octetsOf(address), flow));
        const wanted = firsts.some(({ action, rule }) => action === "allow" && rule?.scope !== undefined);
        const octets = octetsOf(address);
        const found = findScopedAllow(made, octets, 0, octets.length === 4 ? 4 : 16);
        expect(found !== undefined).toBe(wanted);
      }
    }),
    { numRuns: 300 },
  );
});

test("after any edits a policy decides like the edited list compiled anew", () => {
  const anyEdit = fc.oneof(
    fc.record({ merge: fc.array(anyScopedRule, { minLength: 1, maxLength: 4 }) }),
    fc.record({ remove: fc.array(anyRemoval, { minLength: 1, maxLength: 3 }) }),
  );
  fc.assert(
    fc.property(
      anyPolicy,
      fc.array(anyEdit, { maxLength: 8 }),
      fc.array(fc.tuple(anyName, anyFlow)),
      fc.array(fc.tuple(anyIpv4, anyFlow)),
      (start, edits, names, addresses) => {
        let user: Policy = start;
        let made: CompiledPolicy = compiled(start);
        for (const edit of edits) {
          if ("merge" in edit) {
            user = mergeRules(user, rules(...edit.merge));
            made = runToEnd(mergeSteps(made, rules(...edit.merge)));
          } else {
            user = removeTargets(user, edit.remove.map(removalOf));
            made = runToEnd(removalSteps(made, edit.remove.map(removalOf)));
          }
          for (const [name, flow] of names)
            expect(shown(decideNameFlow(made, qname(name), flow))).toEqual(
              decidePlainly(user, { name }, flow),
            );
          for (const [address, flow] of addresses) {
            const found = decideAddressFlow(made, octetsOf(address), flow);
            expect(shown(found)).toEqual(decidePlainly(user, { address }, flow));
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a policy whose last scoped rule has gone has none", () => {
  const made = compiledPolicy("deny", "allow a.example /443", "allow * /25");
  const left = runToEnd(removalSteps(made, [removalOf("a.example"), removalOf("* /25")]));
  expect(left.scoped).toEqual([]);
});

describe("first match over name and port together", () => {
  const made = compiledPolicy(
    "deny",
    "deny mail.example.org /25",
    "allow mail.example.org",
    "allow db.example.org /5432",
    "deny *.example.org",
  );
  test.each([
    ["mail.example.org", "tcp", 25, "deny"],
    ["mail.example.org", "udp", 25, "deny"],
    ["mail.example.org", "tcp", 443, "allow"],
    ["mail.example.org", "icmp", 0, "allow"],
    ["db.example.org", "tcp", 5432, "allow"],
    ["db.example.org", "udp", 5432, "deny"],
    ["db.example.org", "tcp", 22, "deny"],
    ["x.example.org", "tcp", 5432, "deny"],
  ] as const)("%s %s/%i: %s", (name, protocol, port, action) => {
    expect(decideNameFlow(made, nameOf(name), { protocol, port }).action).toBe(action);
  });

  test("all three are told apart for lookups", () => {
    expect(decideName(made, nameOf("mail.example.org"))).toMatchObject({ action: "allow" });
    const { rule } = decideName(made, nameOf("db.example.org"));
    expect(rule && describeRule(rule)).toBe("db.example.org tcp/5432");
    expect(decideName(made, nameOf("x.example.org")).action).toBe("deny");
  });
});

test("an address rule with a scope is not one for the whole address", () => {
  const made = compiledPolicy("deny", "allow 192.0.2.7 /443", "deny 192.0.2.0/24");
  expect(decideAddress(made, octetsOf("192.0.2.7"), 0, 4).action).toBe("deny");
  expect(decideAddressFlow(made, octetsOf("192.0.2.7"), { protocol: "tcp", port: 443 }).action).toBe("allow");
  expect(findScopedAllow(made, octetsOf("192.0.2.8"), 0, 4)).toBeUndefined();
});

test("a rule for every destination opens lookups of names, and no address that a name gives beyond its port", () => {
  const made = compiledPolicy("deny", "allow * /443");
  expect(decideName(made, nameOf("example.org")).action).toBe("allow");
  const flows = flowsOfName(made, nameOf("example.org"));
  expect(flows && isNone(flows)).toBe(true);
  expect(decideAddressFlow(made, octetsOf("2001:db8::1"), { protocol: "tcp", port: 443 }).action).toBe(
    "allow",
  );
  expect(decideAddressFlow(made, octetsOf("2001:db8::1"), { protocol: "tcp", port: 80 }).action).toBe("deny");
});

describe("merging by target and scope", () => {
  const base = denyByDefault(
    "allow a.example /443",
    "allow a.example",
    "deny a.example udp/53",
    "allow * /25",
  );
  test.each([
    [["deny a.example"], ["deny a.example", "allow * /25"]],
    [
      ["deny a.example tcp/443"],
      ["deny a.example tcp/443", "allow a.example", "deny a.example udp/53", "allow * /25"],
    ],
    [
      ["deny A.example. udp/53-53"],
      ["deny A.example. udp/53-53", "allow a.example /443", "allow a.example", "allow * /25"],
    ],
    [
      ["deny * tcp/25"],
      ["deny * tcp/25", "allow a.example /443", "allow a.example", "deny a.example udp/53"],
    ],
    [
      ["allow a.example /8080", "deny a.example tcp/8080"],
      ["allow a.example /8080", ...words(base.egress)],
    ],
    [
      ["allow a.example /443", "deny a.example"],
      ["allow a.example /443", "deny a.example", "allow * /25"],
    ],
  ])("%j", (added, wanted) => {
    expect(words(mergeRules(base, rules(...added)).egress)).toEqual(wanted);
  });

  test.each([
    ["a.example", ["allow * /25"]],
    ["a.example tcp/443", ["allow a.example", "deny a.example udp/53", "allow * /25"]],
    ["a.example udp/53", ["allow a.example /443", "allow a.example", "allow * /25"]],
    ["a.example udp", words(base.egress)],
    ["* /25", ["allow a.example /443", "allow a.example", "deny a.example udp/53"]],
  ])("removing %s", (removed, wanted) => {
    expect(words(removeTargets(base, [removalOf(removed)]).egress)).toEqual(wanted);
  });
});

test("a policy is shown as it was sent, with scopes only where they were set", () => {
  const policy = denyByDefault("allow  A.example. tcp/443,8000-8080", "deny * /25", "allow b.example");
  expect(JSON.stringify(renderPolicy(policy).egress)).toBe(
    '[{"action":"allow","target":" A.example.","ports":[443,"8000-8080"],"protocol":"tcp"},' +
      '{"action":"deny","ports":[25]},{"action":"allow","target":"b.example"}]',
  );
});
