/**
 * The API over TCP.
 *
 * The port that callers know is never listened on: a process of the workload that holds it, before the
 * sidecar or while it is away, would get tokens. The API listens on free ports that nobody can foresee, one
 * for
 * callers from outside and one for those of this network namespace, and the kernel sends callers there as
 * long as this process lives.
 *
 * Its sockets are of a group of their own, so that the kernel lets nobody else answer from these ports.
 */
import { ListenError } from "../api/errors.ts";
import type { DoorKind } from "../api/http/door.ts";
import type { HttpServer } from "../api/http/http-server.ts";
import { listenTcp, type OpenAcceptor, showAddress, type TcpListener } from "../api/http/listen.ts";
import type { Settings } from "../config.ts";
import { openApiRedirect } from "../netfilter/io/api-redirect.ts";
import type { OwnedTable } from "../netfilter/io/owned-table.ts";
import type { Redirect } from "../netfilter/wire/redirect-rules.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { parseAddress } from "../policy/address.ts";
import { openAcceptor } from "../sys/acceptor.ts";
import { type OwnPorts, readOwnPorts } from "../sys/local-ports.ts";
import { drawBelow } from "../sys/random.ts";
import { findOwnGroup } from "../sys/socket-group.ts";
import { collectAfterConnections } from "./keep-memory.ts";

export interface TcpApi {
  /** Where it really listens to callers from outside, for the log. */
  readonly listening: string;
  /** The redirect is gone as soon as this process is. */
  readonly endsWithProcess: boolean;
  /**
   * Why callers were not taken since the last look; to be asked about once a second. They are soon after.
   * Throws what `openTcpApi` throws.
   */
  fault(): string | undefined;
  close(limitMs: number): Promise<void>;
}

/**
 * Opens both ports and the redirect. Throws ListenError, NetlinkError and SystemCallError, and then nothing
 * listens.
 */
export function openTcpApi(
  httpAddress: Settings["httpAddress"],
  createServer: (door: DoorKind) => HttpServer,
): TcpApi {
  const listeners: TcpListener[] = [];
  const closeAll = async (limitMs: number): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close(limitMs)));
  };
  try {
    const own = findOwnGroup(drawBelow);
    // If there can be none, protection own-sockets says so.
    const group = own.ok ? own.group : undefined;
    const listenOn = (door: DoorKind): TcpListener => {
      const listener = listenElsewhere(() => createServer(door), httpAddress, createOpener(group));
      listeners.push(listener);
      return listener;
    };
    const outside = listenOn("outside");
    const inside = listenOn("inside");
    const ports = { outsidePort: outside.local.port, insidePort: inside.local.port, group };
    const redirect = redirectCallers(httpAddress, outside.local.address, ports);
    return {
      listening: showAddress({ host: outside.local.address, port: outside.local.port }),
      endsWithProcess: redirect.endsWithProcess,
      fault: () =>
        [redirect, outside, inside].map((part) => part.fault()).find((reason) => reason !== undefined),
      async close(limitMs) {
        redirect.close();
        await closeAll(limitMs);
      },
    };
  } catch (error) {
    void closeAll(0);
    throw error;
  }
}

/**
 * A caller reads its answer; for one that does not the kernel keeps no more than this. What comes is read at
 * once.
 */
const BUFFERS = { unreadOctets: 64 << 10, waitingOctets: 32 << 10 };

function createOpener(group: number | undefined): OpenAcceptor {
  const countConnection = collectAfterConnections();
  return ({ onConnection, ...place }) =>
    openAcceptor({
      ...place,
      group,
      ...BUFFERS,
      onConnection(fd) {
        onConnection(fd);
        countConnection();
      },
    });
}

/**
 * Tried before the kernel is asked for any port: who has taken all of `ip_local_port_range` has not taken
 * these.
 */
const OWN_TRIES = 16;
/** Of those above the range, where few services are. */
const HIGHEST = 4096;

/** On a port that is free, and not the one that callers know: nobody is let in there but by the redirect. */
function listenElsewhere(
  createServer: () => HttpServer,
  { host, port: known }: Settings["httpAddress"],
  open: OpenAcceptor,
): TcpListener {
  const own = readOwnPorts();
  for (let tries = 0; own.count > 0 && tries < OWN_TRIES; tries += 1) {
    const port = pickPort(own, tries);
    if (port === known) continue;
    try {
      return listenTcp(createServer(), { host, port, known }, open);
    } catch (error) {
      if (!(error instanceof ListenError) || error.code !== "EADDRINUSE") throw error;
    }
  }
  for (;;) {
    const listener = listenTcp(createServer(), { host, port: 0, known }, open);
    if (listener.local.port !== known) return listener;
    void listener.close(0);
  }
}

/** The first half of the tries above the range, the other anywhere outside. */
function pickPort({ count, port }: OwnPorts, tries: number): number {
  const among = tries < OWN_TRIES / 2 ? Math.min(HIGHEST, count) : count;
  return port(count - 1 - drawBelow(among));
}

function redirectCallers(
  { host, port }: Settings["httpAddress"],
  address: string,
  to: Pick<Redirect, "outsidePort" | "insidePort" | "group">,
): OwnedTable {
  try {
    return openApiRedirect({ port, ...to, ...calledAddress(address) });
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== "EPERM") throw error;
    const reason = "another sidecar serves it in this network namespace";
    throw new ListenError(showAddress({ host, port }), error.code, reason, error);
  }
}

/** What is listened on, and nothing more: a squatter could have the port on another address. */
function calledAddress(address: string): { family?: 4 | 6; address?: Uint8Array } {
  if (address === "::") return {};
  const parsed = parseAddress(address.replace(/%.*$/, ""));
  if (!parsed.ok) throw new TypeError(`not an address: ${address}`);
  const { family, octets } = parsed.value;
  return address === "0.0.0.0" ? { family } : { family, address: octets };
}
