/**
 * Which interfaces are closed that nobody knows yet: all whose names are not known, by how they begin. The
 * kernel can hook a chain to interfaces to come by a prefix of their names, so none of the known ones passes
 * a hook more than before.
 *
 *     known: lo, eth0     closed: all that begin with neither l nor e; `l`; with l, but not with lo; lo and one octet more; `e`; ...
 *
 * Names are octets here, one a character (Latin-1), as the kernel compares them.
 */

/** Interfaces that the hooks of one chain match. It has no rules: see `door-table.ts`. */
export interface ClosedNames {
  /** Beginnings of names. */
  readonly prefixes: readonly string[];
  /** Whole names. */
  readonly names: readonly string[];
}

/** IFNAMSIZ without the zero at its end. */
const NAME_OCTETS = 15;
/** Beginnings of known names that have some 250 hooks each. */
const MAX_PLACES = 32;
/** The kernel compares each hook with all before it in its chain: 0.4 ms if one chain has all 250 of them. */
const CHAIN_HOOKS = 64;

/**
 * All that a name may hold (`dev_valid_name`): no zero, no slash, no colon, and no blank, of which Latin-1
 * has one more.
 */
const OCTETS: readonly string[] = Array.from({ length: 0xff }, (_, index) =>
  String.fromCharCode(index + 1),
).filter((octet) => !/[\t-\r /:\u00a0]/.test(octet));

/**
 * No hook matches a name of `known`, and one matches each other; but where known names are many or long, none
 * matches what begins like the last of them.
 */
export function closeOtherNames(known: readonly string[]): readonly ClosedNames[] {
  const octets = known.map(toOctets);
  return Array.from(placeNames(octets)).flatMap(([place, after]): readonly ClosedNames[] => {
    const open = place.length < NAME_OCTETS ? OCTETS.filter((octet) => !after.has(octet)) : [];
    const whole = place === "" || octets.includes(place) ? [] : [{ prefixes: [], names: [place] }];
    return [...whole, ...inPieces(open.map((octet) => place + octet))];
  });
}

function inPieces(prefixes: readonly string[]): readonly ClosedNames[] {
  return Array.from({ length: Math.ceil(prefixes.length / CHAIN_HOOKS) }, (_, piece) => ({
    prefixes: prefixes.slice(piece * CHAIN_HOOKS, (piece + 1) * CHAIN_HOOKS),
    names: [],
  }));
}

/** A place is what some known name begins with, or is; to each the octets that follow it there. */
function placeNames(known: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const places = new Map<string, Set<string>>([["", new Set()]]);
  for (const name of known) {
    let place = places.get("");
    for (let length = 1; length <= name.length && place !== undefined; length++) {
      place.add(name.charAt(length - 1));
      const beginning = name.slice(0, length);
      if (!places.has(beginning) && places.size < MAX_PLACES) places.set(beginning, new Set());
      place = places.get(beginning);
    }
  }
  return places;
}

function toOctets(name: string): string {
  return Buffer.from(name).toString("latin1");
}
