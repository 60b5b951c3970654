/** Connects, and shows a name: by TLS or in a request of HTTP. */
import { Resolver } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { Ending } from "../evidence.ts";
import type { Family } from "../finding.ts";

/** A refusal by name takes less than a millisecond; a far end that answers may take longer. */
const WAIT_MS = 1500;
/** A lookup goes by way of an upstream, which may be slow. */
const LOOKUP_MS = 5000;

export type Showing = "TLS" | "HTTP";

/**
 * How it ends once the connection is there: `connected` if the far end says anything, and `impossible` if
 * there is no connection.
 */
export async function showName(by: Showing, { address, port }: Endpoint, name: string): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const socket = connect({ host: address, port });
  const timer = setTimeout(
    () => resolve(socket.connecting ? noConnection(address, port) : { kind: "silent" }),
    WAIT_MS,
  );
  let isConnected = false;
  const onError = (error: NodeJS.ErrnoException): void => {
    if (!isConnected) resolve(noConnection(address, port));
    else resolve(isOfSystem(error) ? { kind: "refused", code: error.code } : { kind: "connected" });
  };
  socket.on("error", onError);
  socket.on("connect", () => {
    isConnected = true;
    if (by === "TLS") showByTls(socket, name, onError, resolve);
    else socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
  });
  if (by === "HTTP") socket.on("data", () => resolve({ kind: "connected" }));
  socket.on("close", () => resolve({ kind: "silent" }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function showByTls(
  socket: Socket,
  servername: string,
  onError: (error: NodeJS.ErrnoException) => void,
  resolve: (ending: Ending) => void,
): void {
  // Whose the certificate is says nothing here: nothing is sent to the far end, and nothing of it is used.
  connectTls({ socket, servername, rejectUnauthorized: false }, () => resolve({ kind: "connected" })).on(
    "error",
    onError,
  );
}

/** Others are those of TLS, which the far end has caused: an alert, or what is no TLS. */
function isOfSystem(error: NodeJS.ErrnoException): error is NodeJS.ErrnoException & { code: string } {
  return error.syscall !== undefined && error.code !== undefined;
}

function noConnection(address: string, port: number): Ending {
  return { kind: "impossible", reason: `no connection to ${address} port ${port}` };
}

/** The name's first address, as these resolvers say it; undefined: they know none. */
export async function addressOf(
  name: string,
  family: Family,
  nameservers: readonly string[],
): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: LOOKUP_MS, tries: 1 });
  if (nameservers.length > 0) resolver.setServers(nameservers);
  try {
    const [first] = await (family === "IPv4" ? resolver.resolve4(name) : resolver.resolve6(name));
    return first;
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined; // c-ares: denied, not there, no answer
    throw error;
  }
}
