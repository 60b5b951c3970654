/**
 * Which ports and protocols connections were seen to, of each name, and of each address without one. Within
 * bounds: the target that was seen longest ago goes first, and of a target with too many flows nothing is
 * known any more, as if none was seen.
 */
import { type FlowKind, type FlowProtocol, PORT_MAX } from "../../policy/flow-set.ts";

export interface SeenFlows {
  /** `isPartly`: other connections to the target are not told of, so there may be flows beside this one. */
  add(target: string, flow: FlowKind, isPartly?: boolean): void;
  /** None if no connection was seen, or too many different ones. */
  flowsOf(target: string): readonly FlowKind[];
  /** Whether there may be others that nobody has told of. */
  isPartly(target: string): boolean;
}

interface Entry {
  readonly flows: Set<number>;
  isPartly: boolean;
}

const MAX_TARGETS = 4096;
/** A scan of ports says nothing of what a target is for. */
const MAX_FLOWS = 16;

const PROTOCOLS: readonly FlowProtocol[] = ["tcp", "udp", "icmp", "other"];
/** Numbers, since there may be many: the place of the protocol, and the port. */
const PORTS = PORT_MAX + 1;

export function createSeenFlows(maxTargets: number = MAX_TARGETS, maxFlows: number = MAX_FLOWS): SeenFlows {
  /** By their text, the target seen longest ago first. */
  const byTarget = new Map<string, Entry>();

  return {
    add(target, { protocol, port }, isPartly = false) {
      // No rule can name port 0.
      if (port === 0 && (protocol === "tcp" || protocol === "udp")) return;
      const entry = byTarget.get(target) ?? { flows: new Set(), isPartly };
      const { flows } = entry;
      entry.isPartly ||= isPartly;
      byTarget.delete(target);
      byTarget.set(target, entry);
      // One more tells that there were too many.
      if (flows.size <= maxFlows) flows.add(PROTOCOLS.indexOf(protocol) * PORTS + port);
      const [oldest] = byTarget.keys();
      if (byTarget.size > maxTargets && oldest !== undefined) byTarget.delete(oldest);
    },
    flowsOf(target) {
      const flows = byTarget.get(target)?.flows;
      if (flows === undefined || flows.size > maxFlows) return [];
      return Array.from(flows, (flow) => {
        return { protocol: PROTOCOLS[Math.floor(flow / PORTS)] ?? "other", port: flow % PORTS };
      });
    },
    isPartly: (target) => byTarget.get(target)?.isPartly === true,
  };
}
