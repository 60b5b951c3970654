/**
 * The clients' open connections, within two bounds. Of those without a name, the one that waits longest makes
 * room for a newcomer. Of the others it is one that has been silent since the last check; if there is none,
 * the newcomer itself is refused.
 */
import type { Socket } from "node:net";
import type { DomainName } from "../../policy/domain-name.ts";
import type { Destination } from "../../sys/original-destination.ts";

export interface LiveFlow {
  readonly client: Socket;
  /** Where the client wanted to go. */
  readonly destination: Destination;
  /** Undefined until it has shown a valid one. */
  name: DomainName | undefined;
  /** It goes on unread. */
  isPassed: boolean;
  /** What had come and gone at the last check. */
  octets: number;
}

export interface LiveFlows {
  /** Until the connection is closed. Undefined if there is no room. */
  add(client: Socket, destination: Destination): LiveFlow | undefined;
  /** It has shown its name, or is judged by its address. */
  settle(flow: LiveFlow, name: DomainName | undefined, isPassed: boolean): void;
  resetWhere(chosen: (flow: LiveFlow) => boolean): void;
  size(): number;
}

/** About 100 kB each if TLS is terminated. */
const MAX_FLOWS = 2048;
const MAX_UNNAMED = 512;
/** How many are checked for an idle one. */
const MAX_LOOKS = 64;

export function createLiveFlows(maxFlows: number = MAX_FLOWS, maxUnnamed: number = MAX_UNNAMED): LiveFlows {
  /** The oldest first. */
  const unnamed = new Set<LiveFlow>();
  const named = new Set<LiveFlow>();

  function remove(flow: LiveFlow): void {
    unnamed.delete(flow);
    named.delete(flow);
  }
  function reset(flow: LiveFlow): void {
    remove(flow);
    flow.client.resetAndDestroy();
  }
  function hasRoom(): boolean {
    if (unnamed.size + named.size < maxFlows) return true;
    const idle = findIdle(named);
    if (idle !== undefined) reset(idle);
    return idle !== undefined;
  }

  return {
    add(client, destination) {
      const [first] = unnamed;
      if (unnamed.size >= maxUnnamed && first !== undefined) reset(first);
      if (!hasRoom()) return undefined;
      const flow: LiveFlow = { client, destination, name: undefined, isPassed: false, octets: 0 };
      unnamed.add(flow);
      client.once("close", () => remove(flow));
      return flow;
    },
    settle(flow, name, isPassed) {
      if (!unnamed.delete(flow)) return;
      flow.name = name;
      flow.isPassed = isPassed;
      named.add(flow);
    },
    resetWhere(chosen) {
      for (const flow of [...unnamed, ...named]) if (chosen(flow)) reset(flow);
    },
    size: () => unnamed.size + named.size,
  };
}

/** The checked ones go behind the others. */
function findIdle(flows: Set<LiveFlow>): LiveFlow | undefined {
  for (const flow of [...flows].slice(0, MAX_LOOKS)) {
    const { bytesRead, bytesWritten } = flow.client;
    if (flow.octets === bytesRead + bytesWritten) return flow;
    flow.octets = bytesRead + bytesWritten;
    flows.delete(flow);
    flows.add(flow);
  }
  return undefined;
}
