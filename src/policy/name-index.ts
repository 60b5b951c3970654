import { type DomainName, NAME_OCTETS_MAX } from "./domain-name.ts";
import type { Target } from "./target.ts";

/** The names and wildcards of a list, ready to find the first in list order that matches a name. Prefixes match no name. */
export interface NameIndex {
  readonly names: NameTable;
  /** The bases of wildcards. */
  readonly bases: NameTable;
}

/** Names with the lowest position in the list at which each stands, and what tells without hashing that a name is not there. */
interface NameTable {
  readonly positions: ReadonlyMap<string, number>;
  /** 1 at each length that some name in the table has. */
  readonly lengths: Uint8Array;
  /** Labels of the longest name in the table. */
  readonly labelsMax: number;
}

export const NO_MATCH = -1;

export function buildNameIndex(targets: readonly Target[]): NameIndex {
  const names = new Map<string, number>();
  const bases = new Map<string, number>();
  for (const [position, target] of targets.entries()) {
    if (target.kind === "name" && !names.has(target.name)) names.set(target.name, position);
    if (target.kind === "wildcard" && !bases.has(target.base)) bases.set(target.base, position);
  }
  return { names: createTable(names), bases: createTable(bases) };
}

/** Position of the first target in list order that matches, or `NO_MATCH`. Cost grows with the labels of the name or of the longest base, whichever are fewer. */
export function findFirstMatch({ names, bases }: NameIndex, qname: DomainName): number {
  let first = names.lengths[qname.length] === 1 ? (names.positions.get(qname) ?? NO_MATCH) : NO_MATCH;
  let dot = qname.length;
  for (let labels = 0; labels < bases.labelsMax; labels += 1) {
    dot = qname.lastIndexOf(".", dot - 1);
    if (dot < 0) break; // what is left is the whole name, and a wildcard matches only below its base
    if (bases.lengths[qname.length - dot - 1] !== 1) continue;
    const position = bases.positions.get(qname.slice(dot + 1));
    if (position !== undefined && (first === NO_MATCH || position < first)) first = position;
  }
  return first;
}

function createTable(positions: ReadonlyMap<string, number>): NameTable {
  const lengths = new Uint8Array(NAME_OCTETS_MAX + 1);
  let labelsMax = 0;
  for (const name of positions.keys()) {
    lengths[name.length] = 1;
    labelsMax = Math.max(labelsMax, countLabels(name));
  }
  return { positions, lengths, labelsMax };
}

function countLabels(name: string): number {
  let labels = 1;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) labels += 1;
  return labels;
}
