/**
 * A server of the lab's internet that keeps what is posted to it; see `servers/receiver.ts`. It answers at
 * every address.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { NetworkNamespace } from "../../src/netns/namespace.ts";
import { startJsonServer } from "./json-server.ts";

const requestShape = z.object({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.string().transform((text) => Buffer.from(text, "base64")),
  peer: z.string(),
  atMs: z.number(),
});
export type ReceivedRequest = z.infer<typeof requestShape>;

export interface Receiver extends AsyncDisposable {
  readonly port: number;
  requests(): readonly ReceivedRequest[];
}

export interface ReceiverOptions {
  readonly port: number;
  readonly tls?: { readonly key: string; readonly certificate: string };
}

export async function startReceiver(
  namespace: NetworkNamespace,
  { port, tls }: ReceiverOptions,
): Promise<Receiver> {
  const script = fileURLToPath(new URL("servers/receiver.ts", import.meta.url));
  const files = tls === undefined ? [] : [tls.key, tls.certificate];
  const server = await startJsonServer(namespace, [process.execPath, script, String(port), ...files]);
  return {
    port,
    requests: () => server.lines.slice(1).map((line) => requestShape.parse(line)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
