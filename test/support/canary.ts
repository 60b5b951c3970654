/**
 * Sees every frame that reaches the lab's internet, below all filters, so that "nothing leaves" can be said
 * of any protocol.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { NetworkNamespace } from "../../src/netns/namespace.ts";
import { type JsonServer, startJsonServer } from "./json-server.ts";
import { until } from "./until.ts";

const frameShape = z.object({
  time: z.number(),
  ethertype: z.number(),
  length: z.number(),
  /** Of the link that it is for. */
  mac: z.string(),
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, `arp`, `other` or `protocol N`. */
  transport: z.string(),
  source: z.string().optional(),
  destination: z.string().optional(),
  sourcePort: z.number().optional(),
  destinationPort: z.number().optional(),
  /** The octet as on the wire: 2 is SYN, 4 RST. */
  tcpFlags: z.number().optional(),
  icmpType: z.number().optional(),
});
export type Frame = z.infer<typeof frameShape>;

export interface Canary extends AsyncDisposable {
  /** Every frame so far, in order of arrival; waits until what has arrived is read. */
  frames(): Promise<readonly Frame[]>;
  /** The frames that `act` lets out (and whatever else arrives meanwhile). */
  during(act: () => Promise<unknown>): Promise<readonly Frame[]>;
}

export async function startCanary(namespace: NetworkNamespace, device: string): Promise<Canary> {
  const script = fileURLToPath(new URL("servers/canary.py", import.meta.url));
  const server = await startJsonServer(namespace, ["python3", script, device]);
  const frames = async (): Promise<readonly Frame[]> => {
    await synchronise(server);
    return server.lines.filter((line) => line.event === "frame").map((line) => frameShape.parse(line));
  };
  return {
    frames,
    async during(act) {
      const before = (await frames()).length;
      await act();
      return (await frames()).slice(before);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function synchronise(server: JsonServer): Promise<void> {
  const token = String(performance.now());
  server.process.stdin.write(`${token}\n`);
  await until("the canary has read all frames", () =>
    server.lines.some((line) => line.event === "sync" && line["token"] === token),
  );
}
