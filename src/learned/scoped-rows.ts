/**
 * Learned addresses of which the names' rules do not allow every flow: which flows, and what the kernel's
 * sets hold of them. A row that is not here stands in the sets of addresses alone.
 *
 * What a batch has asked for may or may not be in force if it fails; so both what was and what was to be is
 * remembered as held, until it is taken out.
 */
import type { FlowElement, LearnedSet } from "../netfilter/learned-set.ts";
import { piecesOf, renderPiece } from "../netfilter/ranges/flow-pieces.ts";
import { EVERY_FLOW, type FlowSet, minus, NO_FLOWS } from "../policy/flow-set.ts";
import { keyOctets, octetKey } from "../tables/octet-key.ts";

export interface ScopedRows {
  size(): number;
  /** Undefined if the row is none of these. */
  flowsOf(key: Uint8Array): FlowSet | undefined;
  /** Octets of each, the one written longest ago first. */
  keys(): readonly Uint8Array[];
  /** Whether so many more elements have room. */
  hasRoom(flows: FlowSet, octets: 4 | 16): boolean;
  /** From now on elements say as well which flows do not pass. */
  setRefusing(isRefusing: boolean): void;
  isRefusing(): boolean;
  /** Queues that the kernel holds this and nothing else for the address. */
  put(key: Uint8Array, flows: FlowSet, timeoutMs: number, comment: string): void;
  /** Queues that it holds nothing. */
  drop(key: Uint8Array): void;
  /** The kernel holds this already. */
  adopt(key: Uint8Array, flows: FlowSet, held: readonly FlowElement[]): void;
  /** It holds this, too. */
  alsoHeld(key: Uint8Array, element: FlowElement): void;
  /** The queue is in force, or may be. */
  settle(isInForce: boolean): void;
}

interface Row {
  readonly flows: FlowSet;
  readonly held: readonly FlowElement[];
}

/** Elements of all rows. An address of a name with one port is one, or five if the default action allows. */
const MAX_PIECES = 32_768;

export function createScopedRows(set: Pick<LearnedSet, "addPiece" | "removePiece">): ScopedRows {
  const rows = new Map<string, Row>();
  /** What rows that the queue speaks of held before it. */
  const before = new Map<string, readonly FlowElement[]>();
  let pieces = 0;
  let isRefusing = false;

  function replace(text: string, row: Row | undefined): void {
    pieces -= rows.get(text)?.held.length ?? 0;
    rows.delete(text);
    if (row === undefined) return;
    rows.set(text, row);
    pieces += row.held.length;
  }
  function takeOut(key: Uint8Array, text: string): void {
    const held = rows.get(text)?.held ?? [];
    for (const one of held) set.removePiece(key, one);
    before.set(text, [...(before.get(text) ?? []), ...held]);
  }

  return {
    size: () => rows.size,
    flowsOf: (key) => (rows.size === 0 ? undefined : rows.get(textOf(key))?.flows),
    keys: () => Array.from(rows.keys(), keyOctets),
    hasRoom: (flows, octets) =>
      rows.size === 0 || pieces + elementsOf(flows, octets, isRefusing).length <= MAX_PIECES,
    setRefusing(next) {
      isRefusing = next;
    },
    isRefusing: () => isRefusing,
    put(key, flows, timeoutMs, comment) {
      const text = textOf(key);
      takeOut(key, text);
      const held = elementsOf(flows, key.length === 4 ? 4 : 16, isRefusing);
      for (const one of held) set.addPiece(key, one, timeoutMs, comment);
      replace(text, { flows, held });
    },
    drop(key) {
      const text = textOf(key);
      takeOut(key, text);
      replace(text, undefined);
    },
    adopt: (key, flows, held) => replace(textOf(key), { flows, held }),
    alsoHeld(key, element) {
      const { flows = NO_FLOWS, held = [] } = rows.get(textOf(key)) ?? {};
      replace(textOf(key), { flows, held: unique([...held, element]) });
    },
    settle(isInForce) {
      if (before.size === 0) return;
      for (const [text, former] of isInForce ? [] : before) {
        const { flows = NO_FLOWS, held = [] } = rows.get(text) ?? {};
        replace(text, { flows, held: unique([...former, ...held]) });
      }
      before.clear();
    },
  };
}

/** What the kernel is to hold of one address. */
function elementsOf(flows: FlowSet, octets: 4 | 16, isRefusing: boolean): readonly FlowElement[] {
  const allowed = piecesOf(flows, octets).map((piece) => ({ verdict: "allow" as const, piece }));
  if (!isRefusing) return allowed;
  const rest = piecesOf(minus(EVERY_FLOW, flows), octets);
  return [...allowed, ...rest.map((piece) => ({ verdict: "deny" as const, piece }))];
}

function unique(held: readonly FlowElement[]): readonly FlowElement[] {
  return [...new Map(held.map((one) => [`${one.verdict} ${renderPiece(one.piece)}`, one])).values()];
}

function textOf(key: Uint8Array): string {
  return octetKey(key, 0, key.length);
}
