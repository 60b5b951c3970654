/** Fields that events of the audit share. */

/** Rules, or names of another kind, that one event lists. */
const SHOWN = 100;

export function event(name: string): { readonly "opensandbox.event": string } {
  return { "opensandbox.event": name };
}

/** If there are too many, `rules.total` says how many there were. */
export function listed(rules: readonly object[]): object {
  if (rules.length <= SHOWN) return { rules };
  return { rules: rules.slice(0, SHOWN), "rules.total": rules.length };
}

export function firstOf(names: readonly string[]): readonly string[] {
  return names.slice(0, SHOWN);
}
