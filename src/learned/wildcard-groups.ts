import type { LearnedNames } from "./names.ts";

/** The group of rows that count for no wildcard. */
const NO_WILDCARD = 1;

/**
 * Small numbers for the wildcards that rows count for, so that what is kept of each lies together. A number
 * holds its wildcard's name.
 */
export interface WildcardGroups {
  /** 0 if it has none. */
  find(base: string | undefined): number;
  /** Its number, made if it has none. */
  hold(base: string | undefined): number;
  /** Its last row is gone. */
  release(group: number): void;
}

/** `count` of them, the one for rows of no wildcard among them. */
export function createWildcardGroups(names: LearnedNames, count: number): WildcardGroups {
  const groups = new Uint32Array(names.capacity + 1);
  const bases = new Uint32Array(count + 1);
  /** Numbers that were given back, the last one on top. */
  const freed = new Uint32Array(count + 1);
  let freedCount = 0;
  let used = NO_WILDCARD;
  /** The last one that was asked for. */
  let lastBase: string | undefined;
  let lastGroup = NO_WILDCARD;

  function find(base: string | undefined): number {
    if (base === lastBase) return lastGroup;
    lastBase = base;
    lastGroup = base === undefined ? NO_WILDCARD : (groups[names.find(base)] ?? 0);
    return lastGroup;
  }

  return {
    find,
    hold(base) {
      const known = find(base);
      if (base === undefined || known !== 0) return known;
      const group = freedCount > 0 ? (freed[--freedCount] ?? 0) : ++used;
      const id = names.hold(base);
      bases[group] = id;
      groups[id] = group;
      lastGroup = group;
      return group;
    },
    release(group) {
      if (group === NO_WILDCARD) return;
      const id = bases[group] ?? 0;
      if (group === lastGroup) lastGroup = 0;
      groups[id] = 0;
      names.release(id);
      freed[freedCount++] = group;
    },
  };
}
