import { type DomainName, isDomainName } from "../policy/domain-name.ts";
import { type Result, accepted, quote, refused } from "../policy/problem.ts";

/**
 * A host that a binding names, or every name below one at any depth: `*.example.org`, which is not
 * `example.org` itself.
 */
export interface HostPattern {
  readonly kind: "exact" | "wildcard";
  /** Of a wildcard the name behind `*.`. */
  readonly name: DomainName;
}

/**
 * Reads a host of a binding: trimmed, any case, one trailing dot. It accepts a fully qualified name of
 * letters, digits and hyphens, or `*.` before one; no address, port, scheme or path.
 */
export function parseHostPattern(text: string): Result<HostPattern> {
  const written = text.trim().toLowerCase();
  if (written === "") return refused("is blank");
  const kind = written.startsWith("*.") ? "wildcard" : "exact";
  const name = (kind === "wildcard" ? written.slice(2) : written).replace(/\.$/, "");
  const remedy = "must be a fully qualified host name such as api.example.org, or *. before one";
  if (!isDomainName(name) || name.includes("_")) return refused(`${quote(text.trim())} ${remedy}`);
  if (!name.includes(".")) return refused(`${quote(text.trim())} has no dot: ${remedy}`);
  // Written like an address, in one of its forms.
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name))
    return refused(`${quote(text.trim())} is an address: ${remedy}`);
  const pattern = { kind, name } as const;
  if (probeName(pattern) === undefined)
    return refused(`${quote(text.trim())} leaves no room for a name below it: ${remedy}`);
  return accepted(pattern);
}

/** The name that stands for the pattern in questions to a policy; for a wildcard an invented one. */
export function probeName({ kind, name }: HostPattern): DomainName | undefined {
  const probe = kind === "exact" ? name : `probe.${name}`;
  return isDomainName(probe) ? probe : undefined;
}

export function renderHostPattern({ kind, name }: HostPattern): string {
  return kind === "wildcard" ? `*.${name}` : name;
}

/** Whether the pattern covers the name. */
export function matchesHost({ kind, name }: HostPattern, host: DomainName): boolean {
  return kind === "exact" ? host === name : host.endsWith(`.${name}`);
}
