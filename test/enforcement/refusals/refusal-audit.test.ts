import { expect, test } from "vitest";
import { createRefusalAudit } from "../../../src/enforcement/refusals/refusal-audit.ts";
import { parseAddress } from "../../../src/policy/address.ts";
import { compiledOf } from "../../support/policy.ts";

interface Refused {
  readonly address?: string;
  readonly names?: readonly string[];
  readonly protocol?: number;
  readonly isInForce?: boolean;
}

function tell(
  policy: unknown,
  { address = "198.51.100.7", names = [], protocol = 6, isInForce = false }: Refused,
) {
  const parsed = parseAddress(address);
  if (!parsed.ok) throw new Error(address);
  const told: unknown[] = [];
  const audit = { connectionDenied: (connection: unknown) => void told.push(connection) };
  const has = (): boolean => isInForce;
  createRefusalAudit(audit, () => compiledOf(policy), { has })({
    address: parsed.value.octets,
    port: 443,
    protocol,
    names,
  });
  return told[0];
}

const rule = (action: string, target: string) => ({ action, target });
const NAME = "www.example.org";
const DENY_NAME = { defaultAction: "allow", egress: [rule("deny", "*.example.org")] };
const ALLOW_NAME = { egress: [rule("allow", "*.example.org")] };
const DENY_ADDRESS = { egress: [rule("allow", "*.example.org"), rule("deny", "198.51.100.0/24")] };

test.each<[string, unknown, Refused, { layer: string; rule: string | undefined }]>([
  ["nothing is allowed", {}, {}, { layer: "default", rule: undefined }],
  ["a rule denies the address", DENY_ADDRESS, { names: [NAME] }, { layer: "user", rule: "198.51.100.0/24" }],
  ["a rule denies the name", DENY_NAME, { names: [NAME] }, { layer: "user", rule: "*.example.org" }],
  [
    "the time of a name's address is over",
    ALLOW_NAME,
    { names: [NAME] },
    { layer: "default", rule: undefined },
  ],
  [
    "a name's address is in force",
    ALLOW_NAME,
    { names: [NAME], isInForce: true },
    { layer: "built-in", rule: undefined },
  ],
  ["everything is allowed", { defaultAction: "allow" }, {}, { layer: "built-in", rule: undefined }],
])("where %s, that is the reason", (_, policy, refused, reason) => {
  const host = refused.names?.[0];
  expect(tell(policy, refused)).toEqual({ ip: "198.51.100.7", port: 443, transport: "tcp", host, ...reason });
});

test("a protocol without a name is told by its number, an address of IPv6 as people write it", () => {
  const refused = { address: "2001:db8::7", protocol: 47 };
  expect(tell({}, refused)).toMatchObject({ ip: "2001:db8::7", transport: "47" });
});
