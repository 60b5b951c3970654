/**
 * Hosts that certificates are made for: `api.example.org`, that name alone; `*.example.org`, whatever is
 * below it, at any depth; `*`, every name. In canonical form: lower case, no trailing dot.
 */
export type HostPattern = string;

const EVERY_HOST: HostPattern = "*";

/** Whether all names of `host`, a name or a pattern, are of the pattern's. */
export function covers(pattern: HostPattern, host: HostPattern): boolean {
  if (pattern === EVERY_HOST || pattern === host) return true;
  return pattern.startsWith("*.") && host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
}

/**
 * What a root's certificate permits for them: a constraint always takes in what is below a name (RFC 5280
 * section 4.2.1.10). None: every name.
 */
export function constraintsOf(patterns: readonly HostPattern[]): readonly string[] {
  if (patterns.includes(EVERY_HOST)) return [];
  return [...new Set(patterns.map((pattern) => pattern.replace(/^\*\./, "")))].toSorted();
}
