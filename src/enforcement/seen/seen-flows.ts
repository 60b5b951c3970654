/**
 * Which ports and protocols connections were seen to, of each name, and of each address without one. Within
 * bounds: the target that was seen longest ago goes first, and of a target with too many flows nothing is
 * known any more, as if none was seen.
 */
import { type FlowKind, type FlowProtocol, PORT_MAX } from "../../policy/flow-set.ts";

export interface SeenFlows {
  add(target: string, flow: FlowKind): void;
  /** None if no connection was seen, or too many different ones. */
  flowsOf(target: string): readonly FlowKind[];
}

const MAX_TARGETS = 4096;
/** A scan of ports says nothing of what a target is for. */
const MAX_FLOWS = 16;

const PROTOCOLS: readonly FlowProtocol[] = ["tcp", "udp", "icmp", "other"];
/** Numbers, since there may be many: the place of the protocol, and the port. */
const PORTS = PORT_MAX + 1;

export function createSeenFlows(maxTargets: number = MAX_TARGETS, maxFlows: number = MAX_FLOWS): SeenFlows {
  /** By their text, the target seen longest ago first. */
  const byTarget = new Map<string, Set<number>>();

  return {
    add(target, { protocol, port }) {
      // No rule can name port 0.
      if (port === 0 && (protocol === "tcp" || protocol === "udp")) return;
      const flows = byTarget.get(target) ?? new Set<number>();
      byTarget.delete(target);
      byTarget.set(target, flows);
      // One more tells that there were too many.
      if (flows.size <= maxFlows) flows.add(PROTOCOLS.indexOf(protocol) * PORTS + port);
      const [oldest] = byTarget.keys();
      if (byTarget.size > maxTargets && oldest !== undefined) byTarget.delete(oldest);
    },
    flowsOf(target) {
      const flows = byTarget.get(target);
      if (flows === undefined || flows.size > maxFlows) return [];
      return Array.from(flows, (flow) => {
        return { protocol: PROTOCOLS[Math.floor(flow / PORTS)] ?? "other", port: flow % PORTS };
      });
    },
  };
}
