import { LearnedSetError } from "../../src/netfilter/errors.ts";
import { type FlowPiece, renderPiece } from "../../src/netfilter/ranges/flow-pieces.ts";
import type { PortRange } from "../../src/policy/flow-set.ts";
import type { FlowElement, HeldElement, LearnedSet } from "../../src/netfilter/learned-set.ts";

/**
 * The kernel's learned sets as a model: elements run out by a clock, a batch is all or nothing, an add of
 * what is there changes nothing.
 */
export interface FakeLearnedSet extends LearnedSet {
  /** Addresses in force now, as dotted or colon text is not needed: octets joined by dots. */
  held(): ReadonlyMap<string, { readonly untilMs: number; readonly comment: string }>;
  /** The same of those that are revoked. */
  revoked(): ReadonlyMap<string, { readonly untilMs: number; readonly comment: string }>;
  /** Flows to an address that pass now, as `6 . 443`; `deny`: those that do not. */
  pieces(address: string, verdict?: "allow" | "deny"): readonly string[];
  /** Batches that were committed. */
  readonly commits: number;
  /** Each commit that touches this address is refused. */
  refuseKey: string | undefined;
  /** Whether somebody has deleted the sets: each commit is refused. */
  areGone: boolean;
}

interface Step {
  readonly kind: "add" | "remove" | "unrevoke" | "revoke" | "addPiece" | "removePiece";
  readonly element?: FlowElement;
  readonly key: string;
  readonly timeoutMs: number;
  readonly comment: string;
}

const text = (key: Uint8Array): string => key.join(".");

export function createFakeLearnedSet(nowMs: () => number): FakeLearnedSet {
  const elements = new Map<string, { untilMs: number; comment: string }>();
  const revoked = new Map<string, { untilMs: number; comment: string }>();
  const flows = new Map<string, Flow>();
  let steps: Step[] = [];
  let commits = 0;
  let areGone = false;
  const expire = (): void => {
    for (const held of [elements, revoked, flows])
      for (const [key, { untilMs }] of held) if (untilMs <= nowMs()) held.delete(key);
  };
  const dump = (held: typeof elements, family: 4 | 6): HeldElement[] => {
    expire();
    return [...held].flatMap(([key, { untilMs, comment }]): HeldElement[] => {
      const octets = Buffer.from(key.split(".").map(Number));
      if (octets.length !== (family === 4 ? 4 : 16)) return [];
      return [{ key: octets, timeoutMs: 0, expiresInMs: untilMs - nowMs(), comment }];
    });
  };
  const fake: FakeLearnedSet = {
    refuseKey: undefined,
    get areGone() {
      return areGone;
    },
    set areGone(value) {
      areGone = value;
      for (const held of [elements, revoked, flows]) if (value) held.clear();
    },
    port: 0,
    add: (key, timeoutMs, comment) => void steps.push({ kind: "add", key: text(key), timeoutMs, comment }),
    refresh(key, timeoutMs, comment) {
      steps.push({ kind: "remove", key: text(key), timeoutMs: 0, comment: "" });
      steps.push({ kind: "add", key: text(key), timeoutMs, comment });
    },
    remove: (key) => void steps.push({ kind: "remove", key: text(key), timeoutMs: 0, comment: "" }),
    revoke: (key, timeoutMs, comment) =>
      void steps.push({ kind: "revoke", key: text(key), timeoutMs, comment }),
    unrevoke: (key) => void steps.push({ kind: "unrevoke", key: text(key), timeoutMs: 0, comment: "" }),
    addPiece: (key, element, timeoutMs, comment) =>
      void steps.push({ kind: "addPiece", key: text(key), element, timeoutMs, comment }),
    removePiece: (key, element) =>
      void steps.push({ kind: "removePiece", key: text(key), element, timeoutMs: 0, comment: "" }),
    discard() {
      steps = [];
    },
    commit() {
      const batch = steps;
      steps = [];
      if (batch.length === 0) return;
      if (areGone) throw new LearnedSetError("ENOENT");
      if (batch.some(({ key }) => key === fake.refuseKey)) throw new LearnedSetError("ENFILE");
      commits += 1;
      for (const { kind, key, element, timeoutMs, comment } of batch) {
        if (element !== undefined)
          changeFlows(flows, { key, element, comment, untilMs: nowMs() + timeoutMs }, kind);
        else if (kind === "remove") elements.delete(key);
        else if (kind === "unrevoke") revoked.delete(key);
        else if (kind === "revoke") revoked.set(key, { untilMs: nowMs() + timeoutMs, comment });
        else if ((elements.get(key)?.untilMs ?? 0) <= nowMs())
          elements.set(key, { untilMs: nowMs() + timeoutMs, comment });
      }
    },
    dump: (family) => inParts(dump(elements, family)),
    dumpPieces(family, verdict) {
      expire();
      return [...flows.values()].flatMap(({ key, element, untilMs, comment }) => {
        const octets = Buffer.from(key.split(".").map(Number));
        if (octets.length !== (family === 4 ? 4 : 16) || element.verdict !== verdict) return [];
        const { piece } = element;
        return [{ key: octets, piece, timeoutMs: 0, expiresInMs: untilMs - nowMs(), comment }];
      });
    },
    dumpRevoked: (family) => inParts(dump(revoked, family)),
    close: () => undefined,
    pieces(address, verdict = "allow") {
      expire();
      const found = [...flows.values()].filter(
        ({ key, element }) => key === address && element.verdict === verdict,
      );
      return found.map(({ element }) => renderPiece(element.piece)).toSorted();
    },
    held() {
      expire();
      return elements;
    },
    revoked() {
      expire();
      return revoked;
    },
    get commits() {
      return commits;
    },
  };
  return fake;
}

interface Flow {
  readonly key: string;
  readonly element: FlowElement;
  readonly untilMs: number;
  readonly comment: string;
}

/** As the kernel does: an element that overlaps with another one is refused. */
function changeFlows(flows: Map<string, Flow>, flow: Flow, kind: Step["kind"]): void {
  const { key, element } = flow;
  const name = `${key} ${element.verdict} ${renderPiece(element.piece)}`;
  if (kind === "removePiece") {
    flows.delete(name);
    return;
  }
  for (const other of flows.values()) {
    const isBeside = other.key !== key || other.element.verdict !== element.verdict;
    if (!isBeside && overlap(other.element.piece, element.piece)) throw new LearnedSetError("ENOTEMPTY");
  }
  flows.set(name, flow);
}

function overlap(one: FlowPiece, other: FlowPiece): boolean {
  return meet(one.protocols, other.protocols) && meet(one.ports, other.ports);
}

function meet(one: PortRange, other: PortRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** The last one may be empty. */
function inParts(elements: readonly HeldElement[]): readonly (readonly HeldElement[])[] {
  return [elements.slice(0, 2), elements.slice(2)];
}
