/**
 * The web servers of the lab's internet: one python process that answers at every address of it, ports 80 and
 * 8080.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { NetworkNamespace } from "../../src/netns/namespace.ts";
import { startJsonServer } from "./json-server.ts";

const eventShape = z.object({
  event: z.enum(["request", "broken", "closed"]),
  peer: z.string(),
  local: z.string(),
  path: z.string(),
  host: z.string().optional(),
  sent: z.number().optional(),
});
type WebEvent = z.infer<typeof eventShape>;

export interface WebServer extends AsyncDisposable {
  /** What it saw, oldest first: requests, transfers that broke, connections closed with the octets sent. */
  events(): readonly WebEvent[];
}

export async function startWebServer(namespace: NetworkNamespace, ipv6: boolean): Promise<WebServer> {
  const script = fileURLToPath(new URL("servers/web.py", import.meta.url));
  const server = await startJsonServer(namespace, ["python3", script, ipv6 ? "6" : "4"]);
  return {
    events: () => server.lines.slice(1).map((line) => eventShape.parse(line)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
