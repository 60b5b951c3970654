import { type LiveFlows, openLiveFlows } from "../../netfilter/io/live-flows.ts";
import { keepOpen } from "../../sys/kept-open.ts";
import { octetKey } from "../../tables/octet-key.ts";
import { createTaskQueue } from "../change/task-queue.ts";
import type { FirstPacket } from "./kernel-verdict.ts";
import type { FlowCounts } from "./explain-address.ts";

export interface FlowFates {
  /**
   * What became of flows like these first packets, in their order; of every port if a packet has none. One
   * dump for all. Throws SystemCallError.
   */
  count(packets: readonly FirstPacket[]): Promise<readonly FlowCounts[]>;
  close(): void;
}

const PROTOCOLS = { tcp: [6], udp: [17], icmp: [1, 58] } as const;

/** Opened with the first call. */
export function createFlowFates(open: () => LiveFlows = openLiveFlows): FlowFates {
  const flows = keepOpen(open);
  const queue = createTaskQueue();
  return {
    count: (packets) =>
      queue.run(async () => {
        const counted = new Map(
          packets.map((packet) => [keyOf(packet.octets), { answered: 0, unanswered: 0 }]),
        );
        const [first] = packets;
        if (first === undefined) return [];
        const protocols: readonly number[] = PROTOCOLS[first.protocol];
        await flows.use(({ readFates }) =>
          readFates(({ destination, port, protocol, isAnswered }) => {
            const counts = counted.get(keyOf(destination));
            if (counts === undefined || !protocols.includes(protocol)) return;
            if (first.port !== undefined && first.protocol !== "icmp" && first.port !== port) return;
            if (isAnswered) counts.answered += 1;
            else counts.unanswered += 1;
          }),
        );
        return packets.map(({ octets }) => counted.get(keyOf(octets)) ?? { answered: 0, unanswered: 0 });
      }),
    close: flows.close,
  };
}

function keyOf(octets: Uint8Array): string {
  return octetKey(octets, 0, octets.length);
}
