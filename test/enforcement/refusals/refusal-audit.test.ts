import { expect, test } from "vitest";
import { createRefusalAudit } from "../../../src/enforcement/refusals/refusal-audit.ts";
import type { DecisionEvent } from "../../../src/decisions/decision-event.ts";
import { parseAddress, renderAddress, renderIpv6 } from "../../../src/policy/address.ts";
import { AT_MS } from "../../support/decisions.ts";
import type { CompiledPolicy } from "../../../src/policy/compile.ts";
import { compiledOf, inAudit } from "../../support/policy.ts";

const render = (octets: Uint8Array): string =>
  octets.length === 4 ? renderAddress(octets) : renderIpv6(octets);

interface Refused {
  readonly address?: string;
  readonly names?: readonly string[];
  readonly protocol?: number;
  readonly isInForce?: boolean;
}

const tell = (policy: unknown, refused: Refused) => tellOf(compiledOf(policy), refused, false);
const tellAudited = (policy: CompiledPolicy, refused: Refused) => tellOf(policy, refused, true);

function tellOf(
  policy: CompiledPolicy,
  { address = "198.51.100.7", names = [], protocol = 6, isInForce = false }: Refused,
  isAudited: boolean,
) {
  const parsed = parseAddress(address);
  if (!parsed.ok) throw new Error(address);
  const told: object[] = [];
  const audit = {
    decided({ forEachAddress, ...event }: DecisionEvent) {
      const ips: string[] = [];
      forEachAddress((octets, at, length) => ips.push(render(octets.subarray(at, at + length))));
      told.push({ ...event, ips });
    },
  };
  const learned = { has: () => isInForce };
  createRefusalAudit({ audit, policy: () => policy, learned, nowMs: () => AT_MS })({
    address: parsed.value.octets,
    port: 443,
    protocol,
    names,
    isAudited,
  });
  return told[0];
}

const rule = (action: string, target: string) => ({ action, target });
const NAME = "www.example.org";
const DENY_NAME = { defaultAction: "allow", egress: [rule("deny", "*.example.org")] };
const ALLOW_NAME = { egress: [rule("allow", "*.example.org")] };
const DENY_ADDRESS = { egress: [rule("allow", "*.example.org"), rule("deny", "198.51.100.0/24")] };

const BY_KERNEL = { layer: "built-in", rule: undefined, reason: "kernel-rule" };

test.each<[string, unknown, Refused, { layer: string; rule: string | undefined; reason?: string }]>([
  ["nothing is allowed", {}, {}, { layer: "default", rule: undefined }],
  ["a rule denies the address", DENY_ADDRESS, { names: [NAME] }, { layer: "user", rule: "198.51.100.0/24" }],
  ["a rule denies the name", DENY_NAME, { names: [NAME] }, { layer: "user", rule: "*.example.org" }],
  [
    "the time of a name's address is over",
    ALLOW_NAME,
    { names: [NAME] },
    { layer: "default", rule: undefined, reason: "expired" },
  ],
  [
    "the time of an address is over, and its last name is denied by default",
    { egress: [rule("allow", "one.example.org")] },
    { names: [NAME, "one.example.org"] },
    { layer: "default", rule: undefined, reason: "expired" },
  ],
  [
    "the rules for a name whose address's time is over allow other ports",
    { egress: [{ ...rule("allow", NAME), ports: [80] }] },
    { names: [NAME] },
    { layer: "default", rule: undefined },
  ],
  ["a name's address is in force", ALLOW_NAME, { names: [NAME], isInForce: true }, BY_KERNEL],
  ["everything is allowed", { defaultAction: "allow" }, {}, BY_KERNEL],
])("where %s, that is the reason", (_, policy, refused, reason) => {
  const host = refused.names?.[0];
  expect(tell(policy, refused)).toMatchObject({
    kind: "connection",
    decision: "denied",
    timeMs: AT_MS,
    name: host,
    ips: ["198.51.100.7"],
    port: 443,
    protocol: 6,
    reason: undefined,
    ...reason,
  });
});

test("an address of IPv6 is told, and any protocol by its number", () => {
  const refused = { address: "2001:db8::7", protocol: 47 };
  expect(tell({}, refused)).toMatchObject({ ips: ["2001:db8::7"], protocol: 47 });
});

test("what audit mode has let through is told with the rule that would have denied it", () => {
  const enforced = inAudit("deny", "deny 198.51.100.0/24");
  const byRule = { decision: "audited", layer: "user", rule: "198.51.100.0/24", name: NAME };
  expect(tellAudited(enforced, { names: [NAME], isInForce: true })).toMatchObject(byRule);
  expect(tellAudited(inAudit("deny"), {})).toMatchObject({ decision: "audited", layer: "default" });
});
