/**
 * Listens at both loopback addresses, on one port that nobody can foresee: the kernel leads intercepted flows
 * there, and nobody else.
 */
import { type Acceptor, openAcceptor } from "../../sys/acceptor.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { readOwnPorts } from "../../sys/local-ports.ts";

export interface ListenerOptions {
  /** The group of the accepted sockets; undefined if they can have none of their own. */
  readonly group: number | undefined;
  /** What the kernel may keep for a connection in each direction; undefined: as much as it finds useful. */
  readonly bufferOctets: number | undefined;
  /** Gets each connection's descriptor, and has to close it. */
  readonly onConnection: (fd: number) => void;
  /** From 0 to `limit` - 1, at random. */
  readonly below: (limit: number) => number;
}

export interface Listener {
  readonly port: number;
  /** Why nobody was accepted since the last call; call it once a second. */
  fault(): string | undefined;
  close(): void;
}

const TRIES = 32;

/** Opens it in the current network namespace; without IPv6 at 127.0.0.1 alone. Throws SystemCallError. */
export function openListener(options: ListenerOptions): Listener {
  const own = readOwnPorts();
  for (let tries = 1; ; tries += 1) {
    // The kernel itself draws one if the namespace reserves none.
    const port = own.count > 0 ? own.port(options.below(own.count)) : 0;
    try {
      return openOn(port, options);
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== "EADDRINUSE" || tries === TRIES) throw error;
    }
  }
}

function openOn(port: number, { group, bufferOctets, onConnection }: ListenerOptions): Listener {
  const bounds =
    bufferOctets === undefined ? {} : { unreadOctets: bufferOctets, waitingOctets: bufferOctets };
  const v4 = openAcceptor({ address: "127.0.0.1", port, group, onConnection, ...bounds });
  const acceptors: Acceptor[] = [v4];
  try {
    acceptors.push(openAcceptor({ address: "::1", port: v4.port, group, onConnection, ...bounds }));
  } catch (error) {
    if (!(error instanceof SystemCallError) || !LACKS_IPV6.has(error.code)) {
      v4.close();
      throw error;
    }
  }
  return {
    port: v4.port,
    fault: () => acceptors.map((one) => one.fault()).find((reason) => reason !== undefined),
    close() {
      for (const one of acceptors) one.close();
    },
  };
}

/** The machine has no IPv6, or it is switched off here. */
const LACKS_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);
