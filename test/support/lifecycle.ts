import { once } from "node:events";
import { type RequestListener, createServer } from "node:http";

/** Where a sandbox's sidecar is, as a lifecycle API says it. */
export interface Endpoint {
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const SANDBOX_ID = "sandbox-7";

export interface LocalServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly place: string;
}

/** A stand-in for OpenSandbox's lifecycle API, which only says where the sidecar is. */
export function startLifecycle(sidecar: () => Endpoint): Promise<LocalServer> {
  return listenLocally((incoming, outgoing) => {
    const [, port] = /^\/v1\/sandboxes\/sandbox-7\/endpoints\/(\d+)/.exec(incoming.url ?? "") ?? [];
    outgoing.setHeader("Content-Type", "application/json");
    if (port === undefined)
      outgoing.writeHead(404).end('{"code":"NOT_FOUND","message":"only endpoints here"}');
    else outgoing.end(JSON.stringify(port === "18080" ? sidecar() : { endpoint: "127.0.0.1:1" }));
  });
}

export async function listenLocally(answer: RequestListener): Promise<LocalServer> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    place: `127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
