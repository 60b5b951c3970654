/**
 * The beginnings of some texts, as states with numbers: 0 is the empty one, and longer ones have higher
 * numbers.
 */

/** In place of a state or a pattern. */
export const NOWHERE = -1;

export interface Trie {
  readonly count: number;
  readonly parent: Int32Array;
  /** The last octet of the state's text. */
  readonly octet: Uint8Array;
  readonly depth: Int32Array;
  /** Which pattern the text is, the first of those that are the same. */
  readonly pattern: Int32Array;
  /** A pattern that begins with the text. */
  readonly owner: Int32Array;
  readonly edges: Edges;
}

interface Edges {
  childOf(state: number, octet: number): number;
  childrenOf(state: number): Iterable<readonly [octet: number, child: number]>;
  add(state: number, child: number): void;
}

export function growTrie(patterns: readonly Uint8Array[]): Trie {
  const room = patterns.reduce((sum, { length }) => sum + length, 1);
  const trie = {
    count: 1,
    parent: new Int32Array(room),
    octet: new Uint8Array(room),
    depth: new Int32Array(room),
    pattern: new Int32Array(room).fill(NOWHERE),
    owner: new Int32Array(room),
  };
  const edges = createEdges(room, trie.octet);
  const longest = patterns.reduce((most, { length }) => Math.max(most, length), 0);
  const reached = new Int32Array(patterns.length);
  let going = [...patterns.keys()];
  for (let at = 0; at < longest; at += 1) {
    going = going.filter((index) => at < (patterns[index]?.length ?? 0));
    for (const index of going) {
      const state = reached[index] ?? 0;
      const octet = patterns[index]?.[at] ?? 0;
      const there = edges.childOf(state, octet);
      reached[index] = there === NOWHERE ? trie.count : there;
      if (there !== NOWHERE) continue;
      trie.parent[trie.count] = state;
      trie.octet[trie.count] = octet;
      trie.depth[trie.count] = at + 1;
      trie.owner[trie.count] = index;
      edges.add(state, trie.count);
      trie.count += 1;
    }
  }
  for (const [index, state] of reached.entries())
    if (trie.pattern[state] === NOWHERE) trie.pattern[state] = index;
  return { ...trie, edges };
}

/** Most states have one way forward, which takes a number each. */
function createEdges(room: number, octet: Uint8Array): Edges {
  const first = new Int32Array(room).fill(NOWHERE);
  /** Of the states that have several: all of them. */
  const several = new Map<number, Map<number, number>>();
  return {
    childOf(state, next) {
      const only = first[state] ?? NOWHERE;
      if (only === NOWHERE || octet[only] === next) return only;
      return several.get(state)?.get(next) ?? NOWHERE;
    },
    childrenOf(state) {
      const only = first[state] ?? NOWHERE;
      if (only === NOWHERE) return [];
      return several.get(state) ?? [[octet[only] ?? 0, only] as const];
    },
    add(state, child) {
      const only = first[state] ?? NOWHERE;
      if (only === NOWHERE) {
        first[state] = child;
        return;
      }
      const all = several.get(state) ?? new Map([[octet[only] ?? 0, only]]);
      several.set(state, all.set(octet[child] ?? 0, child));
    },
  };
}
