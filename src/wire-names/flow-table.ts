/**
 * Flows that are not verified, by their key, within bounds. Those whose server's answer the kernel may judge
 * are kept apart: nobody tells whether it has. For as long as it may, they are not forgotten to make room, or
 * a change that denies their name could miss them.
 */
import { type Flow, mayRest, sizeOf } from "./flow-state.ts";

export interface FlowTable {
  get(key: string): Flow | undefined;
  /**
   * Puts it behind all others, and makes room at the cost of the first ones; one that is closed takes the
   * place of no other. False: it was handed over, has grown since, and there is no room; then it is
   * forgotten, and has to be refused.
   */
  keep(key: string, flow: Flow, nowMs: number): boolean;
  /** Keeps one that the kernel may verify by itself from now on; false: there is no room, and it may not. */
  hand(key: string, flow: Flow, nowMs: number): boolean;
  forget(key: string): void;
  keysOf(isMeant: (flow: Flow, key: string) => boolean): readonly string[];
  /** Those that have said nothing since then, but for those that may rest. */
  forgetSilent(sinceMs: number): void;
  /** Of those that are not closed, and all octets. */
  figures(): { readonly flows: number; readonly octets: number };
}

export interface FlowTableBounds {
  readonly maxFlows?: number;
  readonly maxOctets?: number;
  /** Default 0. */
  readonly maxHanded?: number;
}

const MAX_FLOWS = 4096;
const MAX_OCTETS = 16 << 20;
/** Closed ones, for what comes again of them: each takes another's place. */
const [MAX_CLOSED, MAX_CLOSED_OCTETS] = [1024, 1 << 20];
/** Of flows that are handed over, as they are; and with what they grow by then. */
const [MAX_HANDED_OCTETS, MAX_GROWN_OCTETS] = [8 << 20, 16 << 20];
/**
 * Longer than the kernel waits for an answer that verifies a flow, `netfilter/chains/awaited-answer.ts`, by
 * more than this process may stand still ahead of the verdict.
 */
export const HANDED_MS = 10_000;

export function createFlowTable({
  maxFlows = MAX_FLOWS,
  maxOctets = MAX_OCTETS,
  maxHanded = 0,
}: FlowTableBounds): FlowTable {
  /** The one that said nothing for longest comes first. */
  const waiting = createShelf();
  /** The one that was handed over first comes first. */
  const handed = createShelf();
  /** The one that was closed first comes first. */
  const closed = createShelf();

  function forget(key: string): void {
    waiting.forget(key);
    handed.forget(key);
    closed.forget(key);
  }
  function keepWaiting(key: string, flow: Flow): void {
    forget(key);
    (flow.isClosed ? closed : waiting).put(key, flow);
    closed.trim(MAX_CLOSED, MAX_CLOSED_OCTETS);
    waiting.trim(maxFlows, maxOctets);
  }

  return {
    get: (key) => waiting.flows.get(key) ?? handed.flows.get(key) ?? closed.flows.get(key),
    forget,
    keysOf: (isMeant) =>
      [...waiting.flows, ...handed.flows].filter(([key, flow]) => isMeant(flow, key)).map(([key]) => key),
    keep(key, flow, nowMs) {
      flow.lastMs = nowMs;
      if (flow.handedMs === undefined) {
        keepWaiting(key, flow);
        return true;
      }
      handed.recount(flow);
      const hasRoom = handed.octets() <= MAX_GROWN_OCTETS;
      if (!hasRoom) handed.forget(key);
      return hasRoom;
    },
    hand(key, flow, nowMs) {
      forget(key);
      flow.lastMs = nowMs;
      if (!makeRoom(handed, maxHanded, sizeOf(flow), nowMs)) {
        keepWaiting(key, flow);
        return false;
      }
      flow.handedMs = nowMs;
      handed.put(key, flow);
      return true;
    },
    forgetSilent(sinceMs) {
      waiting.forgetSilent(sinceMs, (flow) => !mayRest(flow));
      closed.forgetSilent(sinceMs, () => true);
      handed.forgetSilent(sinceMs, ({ lastMs }) => lastMs <= sinceMs);
    },
    figures: () => ({
      flows: waiting.flows.size + handed.flows.size,
      octets: waiting.octets() + handed.octets() + closed.octets(),
    }),
  };
}

/** Whether there is room for one more flow that keeps so many octets, now that old ones have gone. */
function makeRoom(handed: Shelf, maxHanded: number, octets: number, nowMs: number): boolean {
  for (const [first, { handedMs = 0 }] of handed.flows) {
    if (handed.flows.size < maxHanded && handed.octets() + octets <= MAX_HANDED_OCTETS) return true;
    if (handedMs > nowMs - HANDED_MS) return false;
    handed.forget(first);
  }
  return maxHanded > 0;
}

type Shelf = ReturnType<typeof createShelf>;

/** Flows, and how many octets they keep. */
function createShelf() {
  const flows = new Map<string, Flow>();
  let octets = 0;

  function recount(flow: Flow): void {
    octets -= flow.counted;
    flow.counted = sizeOf(flow);
    octets += flow.counted;
  }
  function forget(key: string): void {
    octets -= flows.get(key)?.counted ?? 0;
    flows.delete(key);
  }

  return {
    flows: flows as ReadonlyMap<string, Flow>,
    octets: (): number => octets,
    recount,
    put(key: string, flow: Flow): void {
      flow.counted = 0;
      recount(flow);
      flows.set(key, flow);
    },
    forget,
    /** Of those that were handed over, or else have spoken, last by then: they come first. */
    forgetSilent(sinceMs: number, isMeant: (flow: Flow) => boolean): void {
      for (const [key, flow] of flows) {
        if ((flow.handedMs ?? flow.lastMs) > sinceMs) break;
        if (isMeant(flow)) forget(key);
      }
    },
    /** The first ones go until this bound holds. */
    trim(maxFlows: number, maxOctets: number): void {
      for (const first of flows.keys()) {
        if (flows.size <= maxFlows && octets <= maxOctets) return;
        forget(first);
      }
    },
  };
}
