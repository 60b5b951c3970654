/**
 * Names that nobody meant: a resolver's search list makes `api.example.org.corp.example` of
 * `api.example.org`, and asks for both. Told by the plain name being asked for as well.
 */

export interface SearchList {
  /** The name without a domain of the list at its end; undefined if it ends in none. */
  plainOf(name: string): string | undefined;
  /** What the list makes of the name. */
  variantsOf(name: string): readonly string[];
}

/** Of a resolv.conf: the last `search` or `domain` line holds, as in resolv.conf(5). */
export function readSearchList(resolvConf: string): SearchList {
  const line = resolvConf.split("\n").findLast((one) => /^(?:search|domain)\s/.test(one)) ?? "";
  const domains = line
    .split(/\s+/)
    .slice(1)
    .map((domain) => domain.toLowerCase().replaceAll(/^\.|\.$/g, ""))
    .filter((domain) => domain !== "");
  return {
    plainOf(name) {
      const domain = domains.find((one) => name.endsWith(`.${one}`));
      return domain === undefined ? undefined : name.slice(0, -domain.length - 1);
    },
    variantsOf: (name) => domains.map((domain) => `${name}.${domain}`),
  };
}

/** What is known of names. */
export interface Asked {
  hasDenied(name: string): boolean;
  hasAllowed(name: string): boolean;
}

/**
 * Whether the denial of this name says nothing, since another name is what was meant: the plain one of a
 * variant, or the variant of a plain name without a dot, such as `db` for `db.corp.example`.
 */
export function isNoise(name: string, list: SearchList, asked: Asked): boolean {
  if (!name.includes("."))
    return list.variantsOf(name).some((variant) => asked.hasDenied(variant) || asked.hasAllowed(variant));
  const plain = list.plainOf(name);
  return plain?.includes(".") === true && (asked.hasDenied(plain) || asked.hasAllowed(plain));
}

/** Whether the plain name of this one may be asked for next, so that its denial may turn out to be noise. */
export function mayBecomeNoise(name: string, list: SearchList): boolean {
  return list.plainOf(name)?.includes(".") === true;
}
