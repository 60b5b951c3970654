import { chmodSync, lstatSync, rmSync } from "node:fs";
import { once } from "node:events";
import { type ListenOptions, Socket, connect } from "node:net";
import { dirname } from "node:path";
import { describe, errnoOf } from "../../enforcement/errors.ts";
import type { Acceptor } from "../../sys/acceptor.ts";
import { makeFolder } from "../../sys/make-folder.ts";
import { withUmask } from "../../sys/umask.ts";
import { ListenError } from "../errors.ts";
import type { HttpServer } from "./http-server.ts";

/** Opens one; `::` is every address, of IPv4 too. Throws an error with errno's name as its code. */
export type OpenAcceptor = (options: {
  readonly address: string;
  readonly port: number;
  readonly onConnection: (fd: number) => void;
}) => Acceptor;

/** A server that takes connections. */
export interface Listener {
  /** The TCP address and port in use; undefined for a unix socket. `::` is every address, of IPv4 too. */
  readonly local: { readonly address: string; readonly port: number } | undefined;
  /** Takes no new connections, finishes what is being answered, and cuts what is left after `limitMs`. */
  close(limitMs: number): Promise<void>;
}

export interface TcpListener extends Listener, Pick<Acceptor, "fault"> {
  readonly local: NonNullable<Listener["local"]>;
}

export interface TcpPlace {
  readonly host: string | undefined;
  readonly port: number;
  /** The port that an error names: the one that callers know, if that is another. */
  readonly known?: number;
}

/**
 * Listens on a TCP address; port 0 is one that is free. Without a host that is every interface, IPv6 and IPv4
 * on one socket, and IPv4 alone where IPv6 is switched off. Throws ListenError.
 */
export function listenTcp(
  http: HttpServer,
  { host, port, known = port }: TcpPlace,
  openAcceptor: OpenAcceptor,
): TcpListener {
  const shown = showAddress({ host, port: known });
  const open = (address: string): TcpListener => {
    const sockets = new Set<Socket>();
    const onConnection = (fd: number): void => handOver(http, sockets, fd);
    const acceptor = openAcceptor({ address, port, onConnection });
    // Node counts the time of requests from here on.
    http.server.emit("listening");
    return createTcpListener(http, sockets, acceptor, address);
  };
  try {
    return host === undefined ? openOnAll(open) : open(host);
  } catch (error) {
    throw failedToListen(shown, { port }, error);
  }
}

function openOnAll(open: (address: string) => TcpListener): TcpListener {
  try {
    return open("::");
  } catch (error) {
    if (IPV6_IS_OFF.has(errnoOf(error))) return open("0.0.0.0");
    throw error;
  }
}

/** As in the setting: `:18080`, `192.0.2.2:18080`, `[2001:db8::2]:18080`. */
export function showAddress({
  host = "",
  port,
}: {
  readonly host?: string | undefined;
  readonly port: number;
}): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Listens on a unix socket, mode 0600, making its folder if there is none. The socket file of a process
 * that is gone is replaced; one that answers, or a file that is no socket, is left alone. Throws ListenError.
 */
export async function listenUnix(http: HttpServer, path: string): Promise<Listener> {
  await clearStaleSocket(path);
  // The file is made by bind(2) with the umask's mode, so there is no moment at which others may connect.
  await withUmask(0o177, () => listen(http, { path }, path));
  chmodSync(path, 0o600);
  return createListener(http);
}

const IPV6_IS_OFF: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"]);

async function listen({ server }: HttpServer, options: ListenOptions, shown: string): Promise<void> {
  const listening = once(server, "listening");
  server.listen(options);
  try {
    await listening;
  } catch (error) {
    throw failedToListen(shown, options, error);
  }
}

function failedToListen(shown: string, options: ListenOptions, error: unknown): ListenError {
  const code = errnoOf(error);
  const reason = code === "EADDRINUSE" ? inUse(options) : explain(error);
  return new ListenError(shown, code, reason, error);
}

function explain(error: unknown): string {
  if (errnoOf(error) !== "EROFS") return describe(error);
  return "read-only: mount a tmpfs there or set OPENSANDBOX_EGRESS_SOCKET=";
}

function inUse({ port }: ListenOptions): string {
  return port === 0 ? "other processes have taken every port" : "another process has taken it";
}

async function clearStaleSocket(path: string): Promise<void> {
  try {
    makeFolder(dirname(path));
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket()) throw new ListenError(path, "EEXIST", "a file that is not a socket stands there");
    if (await isAnswered(path)) throw new ListenError(path, "EADDRINUSE", "another process answers there");
    rmSync(path, { force: true });
  } catch (error) {
    if (error instanceof ListenError) throw error;
    throw new ListenError(path, errnoOf(error), explain(error), error);
  }
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    // A full backlog (EAGAIN) or a socket of another owner (EACCES) is not stale.
    return errnoOf(error) !== "ECONNREFUSED" && errnoOf(error) !== "ENOENT";
  } finally {
    socket.destroy();
  }
}

function createListener({ server, connections }: HttpServer): Listener {
  return {
    local: undefined,
    async close(limitMs) {
      const closed = once(server, "close");
      server.close();
      connections.closeIdle();
      const timer = setTimeout(() => server.closeAllConnections(), limitMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Of one that does not accept by itself: it knows of no connection that it would have to wait for. */
function createTcpListener(
  { server, connections }: HttpServer,
  sockets: ReadonlySet<Socket>,
  acceptor: Acceptor,
  address: string,
): TcpListener {
  return {
    local: { address, port: acceptor.port },
    fault: () => acceptor.fault(),
    async close(limitMs) {
      acceptor.close();
      server.close();
      connections.closeIdle();
      const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), limitMs);
      await Promise.all(Array.from(sockets, (socket) => once(socket, "close")));
      clearTimeout(timer);
    },
  };
}

function handOver({ server }: HttpServer, sockets: Set<Socket>, fd: number): void {
  const socket = new Socket({ fd, allowHalfOpen: true });
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
  socket.setNoDelay(true);
  server.emit("connection", socket);
}
