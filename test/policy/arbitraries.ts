import * as fc from "fast-check";
import type { Action } from "../../src/policy/rule.ts";

/** Names of few and short labels, so that they meet: suffixes of each other, duplicates. */
export const anyName = fc
  .array(fc.constantFrom("a", "b", "c", "_d", "e-f"), { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join("."));

const anyNameTarget = fc.tuple(fc.constantFrom("", "*."), anyName).map((parts) => parts.join(""));

/**
 * Addresses that differ in few bits, at the ends of the space and in the middle of it, so that prefixes nest.
 */
export const anyIpv4 = fc
  .tuple(
    fc.constantFrom(0, 192, 255),
    fc.constantFrom(0, 255),
    fc.constantFrom(0, 1, 2, 255),
    fc.constantFrom(0, 1, 127, 128, 254, 255),
  )
  .map((octets) => octets.join("."));

export const anyIpv6 = fc
  .tuple(
    fc.constantFrom("0", "2001", "ffff"),
    fc.constantFrom("0:0:0", "db8:0:1", "ffff:ffff:ffff"),
    fc.constantFrom("0:0", "0:1", "8000:0", "ffff:ffff"),
    fc.constantFrom("0:0", "0:1", "ffff:fffe", "ffff:ffff"),
  )
  .map((groups) => groups.join(":"));

export const anyPrefix = fc.oneof(
  fc.tuple(anyIpv4, fc.integer({ min: 0, max: 32 })).map((parts) => parts.join("/")),
  fc.tuple(anyIpv6, fc.integer({ min: 0, max: 128 })).map((parts) => parts.join("/")),
  anyIpv4,
  anyIpv6,
);

export const anyAction = fc.constantFrom<Action>("allow", "deny");

export const anyTarget = fc.oneof(anyNameTarget, anyPrefix);

/** `allow b.*` and the like, as `rule` reads them. */
export const anyRule = fc.tuple(anyAction, anyTarget).map((parts) => parts.join(" "));

/** Ports at and beside the ends of those that rules name. */
export const PORTS_ASKED = [0, 1, 24, 25, 26, 442, 443, 444, 8000, 8050, 8080, 8081, 65_535] as const;

/** Few scopes, so that they meet: equal ones written differently, parts of each other, overlapping ones. */
const anyScope = fc.constantFrom(
  "/443",
  "tcp/443",
  "udp/443",
  "/25,443",
  "/8000-8080",
  "tcp/8000-8080",
  "udp/443,8050-65535",
  "/1-65535",
  "tcp",
  "udp",
  "icmp",
);

/** What has to be spoken, at ports that other scopes name, too. */
const anyApp = fc.constantFrom(
  "/443 app tls",
  "/443 app ssh",
  "/443 app any",
  "tcp/8000-8080 app http",
  "/1-65535 app postgres",
  "tcp app tls",
);

/** As `rule` reads them: with and without a scope, and for every destination. */
export const anyScopedRule = fc.oneof(
  { weight: 3, arbitrary: anyRule },
  { weight: 3, arbitrary: fc.tuple(anyRule, anyScope).map((parts) => parts.join(" ")) },
  { weight: 1, arbitrary: fc.tuple(anyAction, anyScope).map(([action, scope]) => `${action} * ${scope}`) },
  { weight: 2, arbitrary: fc.tuple(anyTarget, anyApp).map((parts) => `allow ${parts.join(" ")}`) },
  { weight: 1, arbitrary: anyApp.map((app) => `allow * ${app}`) },
);

/** As `removalOf` reads them. */
export const anyRemoval = fc.oneof(
  anyTarget,
  fc.tuple(anyTarget, anyScope).map((parts) => parts.join(" ")),
  fc.tuple(anyTarget, anyApp).map((parts) => parts.join(" ")),
  fc.oneof(anyScope, anyApp).map((scope) => `* ${scope}`),
);

/** Text of any kind, much of it close to a target. */
export const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom(...Array.from("aZ09.*-_:/[]% #,ü。\u00ad\0\n\u202e１")), maxLength: 40 }),
  anyTarget,
);
