import { parseAddress } from "./address.ts";
import { type DomainName, NAME_OCTETS_MAX, parseDomainName } from "./domain-name.ts";
import { explainDeadTarget } from "./dead-target.ts";
import { type Prefix, parsePrefix, renderPrefix } from "./prefix.ts";
import { type Result, accepted, quote, refused } from "./problem.ts";
import type { Steps } from "./steps.ts";

/**
 * What every target has: `text` as it was written, and `key`, its canonical form. Targets with the same key
 * match the same things.
 */
interface Written {
  readonly text: string;
  readonly key: string;
}

/** `example.org`: that name only. */
export interface NameTarget extends Written {
  readonly kind: "name";
  readonly name: DomainName;
}

/** `*.example.org`: every name below `base`, at any depth; not `base` itself. */
export interface WildcardTarget extends Written {
  readonly kind: "wildcard";
  readonly base: DomainName;
}

/** `192.0.2.7`, `2001:db8::/32`: the addresses in the prefix; an address is the prefix that holds only it. */
export interface PrefixTarget extends Written {
  readonly kind: "prefix";
  readonly prefix: Prefix;
}

/** A target as it is written. Each one that parses can match something. */
export type Target = NameTarget | WildcardTarget | PrefixTarget;

/**
 * Every name and every address: the target of a rule that has a scope and names none. No other target has its
 * key.
 */
export interface Everywhere extends Written {
  readonly kind: "everywhere";
}

/** What a rule speaks of. */
export type RuleTarget = Target | Everywhere;

export const EVERYWHERE: Everywhere = Object.freeze({ kind: "everywhere", text: "", key: "*" });

/** Whether both lists match the same, target by target: a step for each. */
export function* sameTargetsSteps(one: readonly Target[], other: readonly Target[]): Steps<boolean> {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (const [at, { key }] of one.entries()) {
    if (key !== other[at]?.key) return false;
    yield;
  }
  return true;
}

/**
 * Reads a target: trimmed, any case, one trailing dot allowed whatever its kind. It refuses a target that
 * could never match, with the reason and what to write instead.
 */
export function parseTarget(text: string): Result<Target> {
  const written = text.trim();
  const dotless = written.endsWith(".") ? written.slice(0, -1) : written;
  if (dotless.includes("/") || parseAddress(dotless).ok) return parsePrefixTarget(text, dotless);
  return written.startsWith("*.") ? parseWildcard(text, written) : parseName(text, written);
}

function parsePrefixTarget(text: string, dotless: string): Result<Target> {
  const prefix = parsePrefix(dotless);
  if (!prefix.ok) return parseAddress(dotless.split("/", 1).join()).ok ? prefix : explained(dotless, prefix);
  return accepted({ kind: "prefix", text, key: renderPrefix(prefix.value), prefix: prefix.value });
}

function parseWildcard(text: string, written: string): Result<Target> {
  const base = parseHostName(written, written.slice(2));
  if (!base.ok) return base;
  // "*." and at least one octet more go in front of the base.
  if (base.value.length > NAME_OCTETS_MAX - 2) {
    return refused(
      `${quote(written)} can have no name below it: names have at most ${NAME_OCTETS_MAX} octets`,
    );
  }
  return accepted({ kind: "wildcard", text, key: `*.${base.value}`, base: base.value });
}

function parseName(text: string, written: string): Result<Target> {
  const name = parseHostName(written, written);
  return name.ok ? accepted({ kind: "name", text, key: name.value, name: name.value }) : name;
}

/**
 * Reads the name part of a target. Every client reads a name whose last label is a number as an address, and
 * never looks it up.
 */
function parseHostName(written: string, name: string): Result<DomainName> {
  const parsed = parseDomainName(name);
  if (!parsed.ok) return explained(written, parsed);
  if (parsed.value === "")
    return refused(`${quote(written)} is the root, which has no addresses: write a name`);
  // "Ends in a number" of the WHATWG URL standard, section 3.5.
  if (/(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/.test(parsed.value)) {
    return refused(
      `${quote(written)} ends in a number but is not an address: write four decimal numbers without leading zeros, or a prefix such as 192.0.2.0/24`,
    );
  }
  return parsed;
}

function explained(written: string, plain: Result<never>): Result<never> {
  const reason = explainDeadTarget(written);
  return reason === undefined ? plain : refused(reason);
}
