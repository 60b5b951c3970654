import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import { type ListenOptions, connect } from "node:net";
import { dirname } from "node:path";
import { describe, errnoOf } from "../../enforcement/errors.ts";
import { ListenError } from "../errors.ts";
import type { HttpServer } from "./http-server.ts";

/** A server that takes connections. */
export interface Listener {
  /** The TCP address and port in use; undefined for a unix socket. `::` is every address, of IPv4 too. */
  readonly local: { readonly address: string; readonly port: number } | undefined;
  /** Takes no new connections, finishes what is being answered, and cuts what is left after `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/**
 * Listens on a TCP address; port 0 is one that is free. Without a host that is every interface, IPv6 and IPv4 on one socket, and IPv4 alone where IPv6 is switched
 * off. Never with SO_REUSEPORT: a process of the workload could then take a share of the callers. Throws ListenError.
 */
export async function listenTcp(
  http: HttpServer,
  { host, port }: { readonly host: string | undefined; readonly port: number },
): Promise<Listener> {
  const shown = showAddress({ host, port });
  if (host !== undefined) await listen(http, { host, port }, shown);
  else {
    await listen(http, { host: "::", port }, shown).catch(async (error: unknown) => {
      if (!(error instanceof ListenError) || !IPV6_IS_OFF.has(error.code)) throw error;
      await listen(http, { host: "0.0.0.0", port }, shown);
    });
  }
  const address = http.server.address();
  return createListener(http, typeof address === "object" && address !== null ? address : undefined);
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
 * Listens on a unix socket, mode 0600, making its folder where there is none. The socket file of a process that is gone is replaced;
 * one that answers, or a file that is no socket, is left alone. Throws ListenError.
 */
export async function listenUnix(http: HttpServer, path: string): Promise<Listener> {
  await clearStaleSocket(path);
  // The file is made by bind(2) with the umask's mode, so there is no moment at which others may connect.
  const umask = process.umask(0o177);
  const listening = listen(http, { path }, path);
  process.umask(umask);
  await listening;
  chmodSync(path, 0o600);
  return createListener(http, undefined);
}

const IPV6_IS_OFF: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"]);

async function listen({ server }: HttpServer, options: ListenOptions, shown: string): Promise<void> {
  const listening = once(server, "listening");
  server.listen(options);
  try {
    await listening;
  } catch (error) {
    const code = errnoOf(error);
    const reason = code === "EADDRINUSE" ? inUse(options) : describe(error);
    throw new ListenError(shown, code, reason, error);
  }
}

function inUse({ port }: ListenOptions): string {
  return port === 0 ? "other processes have taken every port" : "another process has taken it";
}

async function clearStaleSocket(path: string): Promise<void> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket()) throw new ListenError(path, "EEXIST", "a file that is not a socket stands there");
    if (await isAnswered(path)) throw new ListenError(path, "EADDRINUSE", "another process answers there");
    rmSync(path, { force: true });
  } catch (error) {
    if (error instanceof ListenError) throw error;
    throw new ListenError(path, errnoOf(error), describe(error), error);
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

function createListener({ server, connections }: HttpServer, local: Listener["local"]): Listener {
  return {
    local,
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
