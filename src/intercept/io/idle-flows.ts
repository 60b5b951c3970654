import type { Socket } from "node:net";

interface Weighed {
  readonly client: Socket;
  /** What it takes. */
  readonly octets: number;
}

/** Finds flows that neither side has said anything on since a while. */
export interface IdleFlows<Flow extends Weighed> {
  /** Notes what has come and gone, once a second at most; in between it costs nothing. */
  look(): void;
  /** The largest idle one that is wanted; of several of one size the one that has been silent longest. */
  take(isWanted: (flow: Flow) => boolean): Flow | undefined;
  /** There is room enough: nothing is held of flows that end. */
  rest(): void;
}

interface Note {
  /** What had come and gone at the last look. */
  readonly passed: number;
  readonly sinceMs: number;
}

/** Between two looks; a flow is silent for no less. A look at 2,048 flows takes about a millisecond. */
const SILENT_MS = 1000;
/** If all that were idle have gone meanwhile. */
const LEAST_SILENT_MS = 250;

export function createIdleFlows<Flow extends Weighed>(
  list: () => readonly Flow[],
  nowMs: () => number,
): IdleFlows<Flow> {
  const notes = new WeakMap<Flow, Note>();
  /** The first to go last. */
  let found: Flow[] = [];
  let lookedMs = -Infinity;

  function look(): void {
    const sinceMs = nowMs();
    lookedMs = sinceMs;
    found = list().filter((flow) => {
      const passed = passedOf(flow);
      const before = notes.get(flow);
      const isIdle = passed === (before?.passed ?? 0);
      if (!isIdle || before === undefined) notes.set(flow, { passed, sinceMs });
      return isIdle;
    });
    const since = (flow: Flow): number => notes.get(flow)?.sinceMs ?? sinceMs;
    found.sort((one, other) => one.octets - other.octets || since(other) - since(one));
  }

  function takeFound(isWanted: (flow: Flow) => boolean): Flow | undefined {
    for (let flow = found.pop(); flow !== undefined; flow = found.pop())
      if (isWanted(flow) && notes.get(flow)?.passed === passedOf(flow)) return flow;
    return undefined;
  }

  return {
    look() {
      if (nowMs() - lookedMs >= SILENT_MS) look();
    },
    take(isWanted) {
      const flow = takeFound(isWanted);
      if (flow !== undefined || nowMs() - lookedMs < LEAST_SILENT_MS) return flow;
      look();
      return takeFound(isWanted);
    },
    rest() {
      found = [];
    },
  };
}

function passedOf({ client }: Weighed): number {
  return client.bytesRead + client.bytesWritten;
}
