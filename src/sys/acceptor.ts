/**
 * Listens on a TCP address and accepts under a group. The kernel gives a connection's socket the group of the
 * thread that accepts it, and Node accepts under the process's own. The ruleset could then not tell our
 * connections from a workload's.
 */
import { SOCK_CLOEXEC, SOCK_NONBLOCK, IPPROTO_IPV6, IPV6_V6ONLY } from "./socket-constants.ts";
import { createArena } from "./arena.ts";
import { SystemCallError } from "./errors.ts";
import { interfaceIndex } from "./interface-index.ts";
import { EAGAIN, EINTR, mustCall, tryCall, EINVAL } from "./libc.ts";
import { type Watch, watchReadable } from "./readiness.ts";
import { encodeSocketAddress, AF_INET6, addressFamily, type Endpoint } from "./socket-address.ts";
import { mustRunUnderGroup } from "./socket-group.ts";
import { closeSocket, localPort, setReceiveBuffer, setSendBuffer, SOCK_STREAM, setOption } from "./socket.ts";

const SCOPE_AT = 24;
const ECONNABORTED = 103;
const BACKLOG = 511;
/**
 * Accepted in one turn of the event loop: what they have sent is read in the next, so no more than twice as
 * many ever wait.
 */
const BATCH = 32;
/** After a failure such as EMFILE: who calls waits in the kernel's queue meanwhile. */
const REST_MS = 100;

export interface AcceptorOptions extends Endpoint {
  /** Undefined if there can be none. */
  readonly group: number | undefined;
  /**
   * What the kernel keeps at most for a caller who does not read, in octets; without it as much as it finds
   * useful.
   */
  readonly unreadOctets?: number;
  /**
   * What the kernel keeps at most of what has come and was not read yet, in octets: it doubles it for its own
   * needs.
   */
  readonly waitingOctets?: number;
  /** Gets each connection's descriptor, and has to close it. */
  readonly onConnection: (fd: number) => void;
}

export interface Acceptor {
  readonly port: number;
  /**
   * Why nobody was taken since the last look; to be asked about once a second. They are soon after, if the
   * port is free.
   */
  fault(): string | undefined;
  /** Takes no more. What has been accepted goes on. */
  close(): void;
}

/**
 * Opens it in the current network namespace, never shareable (no SO_REUSEADDR, no SO_REUSEPORT); `::` is
 * every address, of IPv4 too. Throws SystemCallError.
 */
export function openAcceptor(options: AcceptorOptions): Acceptor {
  const { group, onConnection } = options;
  let fd = underOwn(group, () => openListening(options));
  const port = localPort(fd);
  let watch: Watch | undefined;
  let rest: NodeJS.Timeout | undefined;
  let reason: string | undefined;

  function start(): void {
    watch = watchReadable(fd, accept);
  }
  function stop(): void {
    watch?.close();
    watch = undefined;
    clearTimeout(rest);
  }

  function accept(): void {
    const accepted: number[] = [];
    const failure = underOwn(group, () => acceptBatch(fd, accepted));
    for (const one of accepted) onConnection(one);
    if (failure === 0 || watch === undefined) return;
    if (failure === EINVAL) openAnew("its listening socket was ended");
    else startAfterRest();
  }
  function startAfterRest(): void {
    stop();
    rest = setTimeout(start, REST_MS);
  }

  /** Again and again until the port is free. */
  function openAnew(why: string): void {
    stop();
    reason = why;
    closeSocket(fd);
    fd = -1;
    try {
      fd = underOwn(group, () => openListening({ ...options, port }));
      start();
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      rest = setTimeout(openAnew, REST_MS, why);
    }
  }

  start();
  return {
    port,
    fault() {
      const fault = watch?.fault();
      if (fault?.isDescriptorLost === true) openAnew(fault.reason);
      const told = reason ?? fault?.reason;
      if (watch !== undefined) reason = undefined;
      return told;
    },
    close() {
      stop();
      closeSocket(fd);
    },
  };
}

/** Gives back 0, or the errno of what keeps it from accepting more. */
function acceptBatch(fd: number, accepted: number[]): number {
  while (accepted.length < BATCH) {
    const one = tryCall("accept4", fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (one >= 0) accepted.push(one);
    else if (one === -EAGAIN) break;
    else if (one !== -EINTR && one !== -ECONNABORTED) return -one;
  }
  return 0;
}

function openListening({ address, port, unreadOctets, waitingOctets }: AcceptorOptions): number {
  const [host = "", zone] = address.split("%");
  const family = addressFamily(host);
  const fd = mustCall("", "socket", family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (unreadOctets !== undefined) setSendBuffer(fd, unreadOctets);
    if (waitingOctets !== undefined) setReceiveBuffer(fd, waitingOctets);
    const encoded = Buffer.from(encodeSocketAddress({ address: host, port }));
    if (zone !== undefined)
      encoded.writeUInt32LE(/^\d+$/.test(zone) ? Number(zone) : interfaceIndex(zone), SCOPE_AT);
    const scratch = createArena(32);
    scratch.octets.set(encoded);
    mustCall(address, "bind", fd, scratch.address(0), encoded.length);
    mustCall(address, "listen", fd, BACKLOG);
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

function underOwn(group: number | undefined, run: () => number): number {
  return group === undefined ? run() : mustRunUnderGroup(group, run);
}
