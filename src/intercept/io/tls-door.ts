/**
 * Terminates TLS of clients that ask for a bound name, with a leaf for that name alone. We have read the
 * hello before. OpenSSL reads it again, and must find the same name: a second hello, after a
 * HelloRetryRequest, may not change it.
 */
import type { Socket } from "node:net";
import { createServer, type SecureContext, type TLSSocket } from "node:tls";
import type { DomainName } from "../../policy/domain-name.ts";
import { readHostName } from "../../wire-names/host-text.ts";

/** A context with the certificate of the name and its key; undefined for a name without one. */
export type FindLeaf = (name: DomainName) => SecureContext | undefined;

export interface TlsDoor {
  /**
   * Settles with the client once the handshake is done. Throws an Error that says why there was none; the
   * socket is closed by then.
   */
  receive(socket: Socket, name: DomainName): Promise<TLSSocket>;
}

/** A client that is slower than this is given up. */
const HANDSHAKE_MS = 30_000;

/** openssl/ssl.h; the bundle has functions of node:crypto alone. */
const SSL_OP_NO_RENEGOTIATION = 2 ** 30;

interface Expected {
  readonly name: DomainName;
  readonly resolve: (client: TLSSocket) => void;
  readonly reject: (error: Error) => void;
}

export function createTlsDoor(findLeaf: FindLeaf): TlsDoor {
  /** By the client's end: Node does not say which connection a handshake was of. */
  const expected = new Map<string, Expected>();
  /** Of a client whose end Node no longer knew: its close comes next. */
  let untaken: Error | undefined;
  const server = createServer({
    ALPNProtocols: ["h2", "http/1.1"],
    minVersion: "TLSv1.2",
    // A renegotiation could show another name (RFC 5746).
    secureOptions: SSL_OP_NO_RENEGOTIATION,
    handshakeTimeout: HANDSHAKE_MS,
    SNICallback(shown, done) {
      const name = nameIn(shown);
      const context = name === undefined ? undefined : findLeaf(name);
      if (context === undefined) done(new Error("there is no certificate for the name"));
      else done(null, context);
    },
  });

  function take(client: TLSSocket): Expected | undefined {
    const key = keyOf(client);
    const found = expected.get(key);
    expected.delete(key);
    return found;
  }
  server.on("secureConnection", (client) => {
    const found = take(client);
    if (found !== undefined && nameIn(client.servername) === found.name) {
      found.resolve(client);
      return;
    }
    client.destroy();
    found?.reject(new Error("the hello shows another name than it did at first"));
  });
  server.on("tlsClientError", (error, client) => {
    const found = take(client);
    if (found === undefined) untaken = error;
    else found.reject(error);
  });

  return {
    receive(socket, name) {
      const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
      const key = keyOf(socket);
      const one: Expected = { name, resolve, reject };
      expected.set(key, one);
      socket.once("close", () => {
        const said = expected.get(key) === one ? untaken : undefined;
        if (expected.get(key) === one) expected.delete(key);
        if (said !== undefined) untaken = undefined;
        reject(said ?? new Error("the client closed the connection in the handshake"));
      });
      server.emit("connection", socket);
      return promise;
    },
  };
}

/** As the first reader takes it: in any case, without a dot at its end. */
function nameIn(shown: string | false | null | undefined): DomainName | undefined {
  if (typeof shown !== "string") return undefined;
  const host = readHostName(shown);
  return host.kind === "name" ? host.name : undefined;
}

function keyOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
