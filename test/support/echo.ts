/**
 * The UDP echo server of the lab's internet, port 7 of every address; see `servers/echo.py` for its `stream`
 * command.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { NetworkNamespace } from "../../src/netns/namespace.ts";
import { startJsonServer } from "./json-server.ts";

const datagramShape = z.object({
  peer: z.string(),
  peerPort: z.number(),
  local: z.string(),
  length: z.number(),
});
type EchoedDatagram = z.infer<typeof datagramShape>;

export interface EchoServer extends AsyncDisposable {
  datagrams(): readonly EchoedDatagram[];
}

export async function startEchoServer(namespace: NetworkNamespace, ipv6: boolean): Promise<EchoServer> {
  const script = fileURLToPath(new URL("servers/echo.py", import.meta.url));
  const server = await startJsonServer(namespace, ["python3", script, ipv6 ? "6" : "4"]);
  return {
    datagrams: () => server.lines.slice(1).map((line) => datagramShape.parse(line)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
