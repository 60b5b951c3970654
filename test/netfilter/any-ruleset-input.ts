import * as fc from "fast-check";
import type { TimedElement } from "../../src/netfilter/ruleset.ts";
import type { RulesetInput } from "../../src/netfilter/ruleset-input.ts";
import { compiledPolicy } from "../support/policy.ts";
import { rulesetInput } from "./ruleset-input.ts";

/**
 * Inputs of every kind that compile: both modes and families, odd interfaces, overlapping prefixes, hostile
 * comments.
 */
export function anyRulesetInput(): fc.Arbitrary<RulesetInput> {
  const v4 = fc.tuple(octet(), octet()).map(([third, fourth]) => `198.51.${third}.${fourth}`);
  const v6 = fc
    .tuple(octet(), octet())
    .map(([group, host]) => `2001:db8:${group.toString(16)}::${host.toString(16)}`);
  const prefix = fc.oneof(
    v4,
    v6,
    fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`),
    fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([address, length]) => `${address}/${length}`),
  );
  const plain = fc.tuple(fc.constantFrom("allow", "deny"), prefix).map((words) => words.join(" "));
  const scoped = fc
    .tuple(plain, fc.constantFrom("/443", "/25,8000-8080", "udp", "icmp"))
    .map((words) => words.join(" "));
  const app = fc.constantFrom("/443 app tls", "/443 app any", "/22 app ssh", "tcp app http");
  const spoken = fc.tuple(prefix, app).map((words) => `allow ${words.join(" ")}`);
  const rule = fc.oneof(plain, plain, scoped, spoken);
  const resolver = fc.oneof(v4, v6, fc.constantFrom("127.0.0.11", "127.0.0.53", "127.0.0.1", "::1"));
  const lists = fc.record({
    v4: fc.uniqueArray(v4, { maxLength: 5 }),
    v6: fc.uniqueArray(v6, { maxLength: 5 }),
  });
  return fc
    .record({
      mode: fc.constantFrom("dns" as const, "dns+nft" as const),
      policy: fc
        .tuple(fc.constantFrom("allow" as const, "deny" as const), fc.array(rule, { maxLength: 12 }))
        .map(([defaultAction, rules]) => compiledPolicy(defaultAction, ...rules)),
      generation: fc.integer({ min: 1, max: 2 ** 27 - 1 }),
      marks: fc.record({
        mark: secret(),
        priority: secret(),
        group: fc.option(secret(), { nil: undefined }),
        stampMark: secret(),
        stampPriority: secret(),
      }),
      upstreams: fc.array(fc.record({ address: resolver, port: port() }), { maxLength: 4 }),
      ownDestinations: fc.array(fc.record({ address: resolver, port: port() }), { maxLength: 2 }),
      exemptNameservers: fc.array(resolver, { maxLength: 3 }),
      resolverPort: port(),
      linkResolverPort: fc.option(port(), { nil: undefined }),
      api: fc.record({
        host: fc.constantFrom(undefined, "0.0.0.0", "127.0.0.1", "::1", "fe80::1%eth0"),
        port: port(),
      }),
      network: fc.record({
        interfaces: fc.uniqueArray(
          fc.oneof(
            fc.constantFrom("eth0", "wlan0.100", "é", "a+b", "0", "-", "set", "drop", 'q"'),
            interfaceName(),
          ),
          { maxLength: 4 },
        ),
        onLinkV4: fc.array(prefix, { maxLength: 3 }),
        onLinkV6: fc.array(prefix, { maxLength: 3 }),
        ipv6: fc.boolean(),
      }),
      inboundUdp: fc.boolean(),
      doh: fc.option(fc.array(prefix, { maxLength: 6 }), { nil: undefined }),
      restore: fc.record({ v4: timed(v4), v6: timed(v6) }),
      revoked: lists,
    })
    .map((changes) => rulesetInput(changes));
}

function octet(): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 255 });
}

function port(): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: 65_535 });
}

function secret(): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: 0xfffffffe });
}

/** What Linux takes (dev_valid_name): 1 to 15 octets without blanks, slashes and colons. */
function interfaceName(): fc.Arbitrary<string> {
  return fc
    .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 15 })
    .filter((name) => !/[\s/:]/.test(name) && name !== "." && name !== ".." && name !== "lo");
}

function timed(address: fc.Arbitrary<string>): fc.Arbitrary<TimedElement[]> {
  const element = fc.record({
    address,
    timeoutSeconds: fc.integer({ min: 1, max: 9999 }),
    comment: fc.string({ unit: "binary", maxLength: 300 }),
  });
  return fc.uniqueArray(element, { maxLength: 4, selector: (one) => one.address });
}
