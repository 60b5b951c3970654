import { type DomainName, parseDomainName } from "../policy/domain-name.ts";
import { parsePolicyJson } from "../policy/parse-policy.ts";
import { DENY_ALL, type Policy } from "../policy/policy.ts";
import { quote, renderProblems } from "../policy/problem.ts";
import { findScopesFault } from "../policy/scope-limit.ts";
import { parseTarget } from "../policy/target.ts";
import { isProtectionName, type ProtectionName } from "../protections/protection.ts";
import { Unreadable } from "./readers.ts";

/** Tokens joined by `+`, in any order and case. */
export function readMode(text: string): "dns" | "dns+nft" | Unreadable {
  const tokens = text
    .toLowerCase()
    .split("+")
    .map((token) => token.trim());
  const unknown = tokens.find((token) => token !== "dns" && token !== "nft");
  if (unknown !== undefined) return new Unreadable(`holds the unknown token ${quote(unknown)}`);
  if (!tokens.includes("dns")) return new Unreadable("lacks the token dns");
  return tokens.includes("nft") ? "dns+nft" : "dns";
}

/** A policy as POST takes it; blank is deny-all. */
export function readPolicy(text: string): Policy | Unreadable {
  const parsed = parsePolicyJson(text);
  if (!parsed.ok) return new Unreadable(renderProblems(parsed.problems));
  if (parsed.value === "blank") return DENY_ALL;
  const fault = findScopesFault(parsed.value);
  return fault === undefined ? parsed.value : new Unreadable(fault);
}

/** What in such a policy says nothing: `egress[0].note: ...`. */
export function listPolicyWarnings(text: string): readonly string[] {
  const parsed = parsePolicyJson(text);
  return (parsed.ok && parsed.warnings ? parsed.warnings : []).map((warning) => renderProblems([warning]));
}

/** Linux keeps a socket's path in 108 bytes with its final NUL (unix(7)). */
export function readSocketPath(text: string): string | undefined | Unreadable {
  const path = text.trim();
  if (path === "") return undefined;
  if (!path.startsWith("/")) return new Unreadable("is not an absolute path");
  return Buffer.byteLength(path) > 107 ? new Unreadable("is longer than a socket's path may be") : path;
}

/**
 * HTTP cuts blanks off a header's ends and carries no control characters, so no caller could ever send such a
 * token.
 */
export function readToken(text: string): string | undefined | Unreadable {
  if (text === "") return undefined;
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text))
    return new Unreadable("holds a control character, such as a line break");
  return text.trim() === text ? text : new Unreadable("begins or ends with a blank");
}

/** `stdout`, `stderr` or an absolute path. */
export function readLogOutput(text: string): string | Unreadable {
  const known = text === "stdout" || text === "stderr" || text.startsWith("/");
  return known ? text : new Unreadable(`holds ${quote(text)}`);
}

/** A host name in canonical form; the root is empty text. */
export function readProbeName(text: string): DomainName | Unreadable {
  const name = parseDomainName(text);
  return name.ok ? name.value : new Unreadable(`is not a host name: ${name.problems[0]?.message ?? ""}`);
}

/** An address or prefix in canonical form. */
export function readPrefix(text: string): string | Unreadable {
  const target = parseTarget(text);
  if (target.ok && target.value.kind === "prefix") return target.value.key;
  return new Unreadable(`holds ${quote(text)}`);
}

/** One of the closed list. */
export function readProtectionName(text: string): ProtectionName | Unreadable {
  return isProtectionName(text) ? text : new Unreadable(`holds ${quote(text)}`);
}
