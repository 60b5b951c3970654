import type { DomainName } from "./domain-name.ts";
import type { Target } from "./target.ts";

/** The names and wildcards of a list, ready to find the first in list order that matches a name. Prefixes match no name. */
export interface NameIndex {
  /** Name to the lowest position of a target that is this name. */
  readonly exact: ReadonlyMap<string, number>;
  /** Base to the lowest position of a wildcard with this base. */
  readonly below: ReadonlyMap<string, number>;
  /** Labels of the longest base: no longer suffix needs a look. */
  readonly deepestLabels: number;
}

export const NO_MATCH = -1;

export function buildNameIndex(targets: readonly Target[]): NameIndex {
  const exact = new Map<string, number>();
  const below = new Map<string, number>();
  let deepestLabels = 0;
  for (const [position, target] of targets.entries()) {
    if (target.kind === "name" && !exact.has(target.name)) exact.set(target.name, position);
    if (target.kind !== "wildcard" || below.has(target.base)) continue;
    below.set(target.base, position);
    deepestLabels = Math.max(deepestLabels, countLabels(target.base));
  }
  return { exact, below, deepestLabels };
}

/** Position of the first target in list order that matches, or `NO_MATCH`. Cost grows with the labels of the name or of the longest base, whichever are fewer. */
export function findFirstMatch(index: NameIndex, qname: DomainName): number {
  let first = index.exact.get(qname) ?? NO_MATCH;
  let dot = qname.length;
  for (let labels = 0; labels < index.deepestLabels; labels += 1) {
    dot = qname.lastIndexOf(".", dot - 1);
    if (dot < 0) break; // what is left is the whole name, and a wildcard matches only below its base
    const position = index.below.get(qname.slice(dot + 1));
    if (position !== undefined && (first === NO_MATCH || position < first)) first = position;
  }
  return first;
}

function countLabels(name: DomainName): number {
  let labels = 1;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) labels += 1;
  return labels;
}
