/**
 * The clients' open connections, within bounds: how many there are, and how much memory they take with all
 * that is kept for them. Over a bound the largest of those that are idle goes; of several of one size, the
 * one that has been silent longest. If none is idle, a newcomer is refused; and for one that has grown, the
 * largest of all goes. Of flows without a name, the one that waits longest makes room for a newcomer.
 *
 * Known limit: who waits for a silent host counts as idle.
 */
import type { Socket } from "node:net";
import type { DomainName } from "../../policy/domain-name.ts";
import type { Destination } from "../../sys/original-destination.ts";
import type { FlowBounds } from "../flow-bounds.ts";
import { createIdleFlows } from "./idle-flows.ts";

export interface LiveFlow {
  readonly client: Socket;
  /** Where the client wanted to go. */
  readonly destination: Destination;
  /** Undefined until it has shown a valid one. */
  name: DomainName | undefined;
  /** It goes on unread. */
  isPassed: boolean;
  /** What it takes, and what is kept for it. */
  octets: number;
}

export interface LiveFlows {
  /** Until the connection is closed. Undefined if there is no room. */
  add(client: Socket, destination: Destination): LiveFlow | undefined;
  /** It has shown its name, or is judged by its address. It is reset if there is no room for it. */
  settle(flow: LiveFlow, name: DomainName | undefined, isPassed: boolean): void;
  /** So much is kept for it now, beside what each flow takes. It may be reset for that. */
  keep(flow: LiveFlow, octets: number): void;
  resetWhere(chosen: (flow: LiveFlow) => boolean): void;
  size(): number;
  /** What all take, in octets. */
  octets(): number;
}

export interface LiveFlowsOptions {
  readonly bounds: Pick<FlowBounds, "flows" | "unnamed" | "octets">;
  /** Hears of those that had to go for want of room, once they have shown a name. */
  readonly onShed: (flow: LiveFlow) => void;
  readonly nowMs: () => number;
}

/** Measured: a plain socket, two of them, and TLS to both sides. */
const UNNAMED_OCTETS = 16 << 10;
const PASSED_OCTETS = 32 << 10;
const READ_OCTETS = 144 << 10;
/** From this part on idle ones are looked for, so that they are known when the room is needed. */
const WATCHED_PART = 1 / 2;

export function createLiveFlows({ bounds, onShed, nowMs }: LiveFlowsOptions): LiveFlows {
  const flows = createWeighedFlows();
  const idle = createIdleFlows<LiveFlow>(flows.all, nowMs);

  function reset(flow: LiveFlow): void {
    flows.remove(flow);
    flow.client.resetAndDestroy();
  }
  function shed(flow: LiveFlow): void {
    const isTold = flow.name !== undefined || flow.isPassed;
    reset(flow);
    if (isTold) onShed(flow);
  }

  /** Whether so much more fits; idle ones but `flow` have gone for it. */
  function makeRoom(newFlows: number, newOctets: number, flow?: LiveFlow): boolean {
    const isOver = (part: number): boolean =>
      flows.octets() + newOctets > bounds.octets * part || flows.size() + newFlows > bounds.flows * part;
    if (isOver(WATCHED_PART)) idle.look();
    else idle.rest();
    while (isOver(1)) {
      const one = idle.take((found) => found !== flow && flows.has(found));
      if (one === undefined) return false;
      shed(one);
    }
    return true;
  }

  return {
    add(client, destination) {
      const first = flows.unnamed() >= bounds.unnamed ? flows.firstUnnamed() : undefined;
      if (first !== undefined) reset(first);
      if (!makeRoom(1, UNNAMED_OCTETS)) return undefined;
      const flow: LiveFlow = { client, destination, name: undefined, isPassed: false, octets: 0 };
      flows.add(flow);
      client.once("close", () => flows.remove(flow));
      return flow;
    },
    settle(flow, name, isPassed) {
      flow.name = name;
      flow.isPassed = isPassed;
      if (flows.settle(flow) && !makeRoom(0, 0, flow)) shed(flow);
    },
    keep(flow, octets) {
      if (!flows.keep(flow, octets)) return;
      while (flows.has(flow) && !makeRoom(0, 0, flow)) shed(largestOf(flows.all(), flow));
    },
    resetWhere(chosen) {
      for (const flow of flows.all()) if (chosen(flow)) reset(flow);
    },
    size: flows.size,
    octets: flows.octets,
  };
}

/** Of several of one size `newest`: it has just grown. */
function largestOf(flows: readonly LiveFlow[], newest: LiveFlow): LiveFlow {
  let largest = newest;
  for (const flow of flows) if (flow.octets > largest.octets) largest = flow;
  return largest;
}

/** Flows, and what they take. */
interface WeighedFlows {
  add(flow: LiveFlow): void;
  has(flow: LiveFlow): boolean;
  remove(flow: LiveFlow): void;
  /** Whether it was one without a name. */
  settle(flow: LiveFlow): boolean;
  /** Whether it takes more than before. */
  keep(flow: LiveFlow, octets: number): boolean;
  all(): readonly LiveFlow[];
  size(): number;
  octets(): number;
  unnamed(): number;
  /** The one that waits longest for its name. */
  firstUnnamed(): LiveFlow | undefined;
}

function createWeighedFlows(): WeighedFlows {
  /** The oldest first. */
  const unnamed = new Set<LiveFlow>();
  const named = new Set<LiveFlow>();
  /** What is kept for each, if anything was. */
  const kept = new Map<LiveFlow, number>();
  let total = 0;

  const has = (flow: LiveFlow): boolean => unnamed.has(flow) || named.has(flow);
  function weigh(flow: LiveFlow): void {
    const octets = baseOf(flow, named.has(flow)) + (kept.get(flow) ?? 0);
    total += octets - flow.octets;
    flow.octets = octets;
  }
  return {
    add(flow) {
      unnamed.add(flow);
      weigh(flow);
    },
    has,
    remove(flow) {
      if (!unnamed.delete(flow) && !named.delete(flow)) return;
      kept.delete(flow);
      total -= flow.octets;
    },
    settle(flow) {
      if (!unnamed.delete(flow)) return false;
      named.add(flow);
      weigh(flow);
      return true;
    },
    keep(flow, octets) {
      if (!has(flow)) return false;
      const before = flow.octets;
      kept.set(flow, octets);
      weigh(flow);
      return flow.octets > before;
    },
    all: () => [...unnamed, ...named],
    size: () => unnamed.size + named.size,
    octets: () => total,
    unnamed: () => unnamed.size,
    firstUnnamed: () => unnamed.values().next().value,
  };
}

function baseOf({ isPassed }: LiveFlow, isNamed: boolean): number {
  if (!isNamed) return UNNAMED_OCTETS;
  return isPassed ? PASSED_OCTETS : READ_OCTETS;
}
