/**
 * Keys that no policy and no rule has. Some would change what a policy does: without them the author gets
 * more, or less, than asked for, so they are refused. Any other key, such as a comment, is accepted and
 * reported.
 */
import { type Problem, oneLine } from "./problem.ts";

export interface UnknownKeys {
  /** Each is a reason to refuse. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** What messages call the objects of a policy, and the keys that they have. */
export interface KnownKeys {
  readonly what: "a policy" | "a rule" | "a removal" | "http";
  readonly keys: readonly string[];
}

export const POLICY_KEYS: KnownKeys = { what: "a policy", keys: ["defaultAction", "egress"] };
export const RULE_KEYS: KnownKeys = {
  what: "a rule",
  keys: ["action", "target", "ports", "protocol", "http", "app"],
};
export const REMOVAL_KEYS: KnownKeys = {
  what: "a removal",
  keys: ["target", "ports", "protocol", "http", "app"],
};
export const HTTP_KEYS: KnownKeys = { what: "http", keys: ["methods", "paths"] };

/**
 * Checks the keys of one object; `place` is its own path, empty for the whole. A key whose value is null asks
 * for nothing.
 */
export function findUnknownKeys(value: object, known: KnownKeys, place: string): UnknownKeys {
  let found: { problems: Problem[]; warnings: Problem[] } | undefined;
  for (const [key, asked] of Object.entries(value)) {
    if (known.keys.includes(key)) continue;
    found ??= { problems: [], warnings: [] };
    const path = `${place === "" ? "" : `${place}.`}${shownKey(key)}`;
    const remedy = asked === null ? undefined : describeLoss(key, known);
    if (remedy === undefined)
      found.warnings.push({ path, message: `${known.what} has no such key, and nothing reads it` });
    else found.problems.push({ path, message: remedy });
  }
  return found ?? NONE;
}

const NONE: UnknownKeys = { problems: [], warnings: [] };

/** Why the key must not be ignored, and the remedy; undefined if it may be. */
function describeLoss(key: string, { what, keys }: KnownKeys): string | undefined {
  const plain = key.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const isAside = /^(x[-_]|__)/i.test(key);
  const others = what === "a policy" ? MEANT : what === "http" ? MEANT_OF_HTTP : MEANT_OF_RULES;
  const meant = keys.find((one) => one.toLowerCase() === plain) ?? (isAside ? undefined : others.get(plain));
  if (meant !== undefined) return `${what} has no such key: write ${meant}`;
  if (isAside || !wordsOf(key).some((word) => NARROWING.has(word))) return undefined;
  return `is not served, and ${what} would mean something else without it: take it out if that is what you want`;
}

/** `dstPorts`, `dst_ports` and `dst-ports` are dst and port. */
function wordsOf(key: string): readonly string[] {
  return key
    .slice(0, 200)
    .split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/)
    .flatMap((word) => [word.toLowerCase(), word.toLowerCase().replace(/s$/, "")]);
}

function shownKey(key: string): string {
  return oneLine(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}

/** What other programs call the keys of a policy. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ["default", "defaultAction"],
  ["defaultpolicy", "defaultAction"],
  ["rule", "egress"],
  ["rules", "egress"],
  ["egressrules", "egress"],
]);

/** And those of a rule. */
const MEANT_OF_RULES: ReadonlyMap<string, string> = new Map([
  ["port", "ports"],
  ["dport", "ports"],
  ["dstport", "ports"],
  ["dstports", "ports"],
  ["proto", "protocol"],
  ["protocols", "protocol"],
  ["method", 'http, such as {"methods": ["GET"]}'],
  ["methods", 'http, such as {"methods": ["GET"]}'],
  ["path", 'http, such as {"paths": ["/repos/*"]}'],
  ["paths", 'http, such as {"paths": ["/repos/*"]}'],
]);

const MEANT_OF_HTTP: ReadonlyMap<string, string> = new Map([
  ["method", "methods"],
  ["path", "paths"],
]);

/** Words of keys that say what a rule is for, when it holds, or what else it does. */
const NARROWING: ReadonlySet<string> = new Set(
  (
    "port proto protocol transport tcp udp icmp sctp quic http https tls sni cert certificate ca method verb path url uri " +
    "scheme header query body host hostname domain fqdn ip ipv4 ipv6 cidr prefix address addresse network subnet asn country " +
    "region source src from to destination dst dest direction ingress inbound outbound egress except exception exclude not " +
    "unless negate invert expire expiry expiration until before after since start end ttl valid validity lifetime duration " +
    "schedule window day hour when if condition match matche selector filter only scope limit rate quota bandwidth byte " +
    "octet size max min user uid gid group process program binary exe executable pid container pod namespace service " +
    "identity credential record qtype disable disabled enable enabled active priority weight order target action effect verdict policy " +
    "policie rule allow deny block permit default dn"
  ).split(" "),
);
