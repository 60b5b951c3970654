/** Reports changes of the network namespace's interfaces, addresses and routes, straight from the kernel. */
import { NETLINK_ROUTE } from "../../netlink/constants.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { openNetlinkSocket, type NetlinkSocket } from "../../sys/netlink-socket.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { KernelError } from "../errors.ts";
import { NETWORK_EVENT_GROUPS } from "../../netlink/rtnetlink.ts";
import { openEventSocket } from "./event-socket.ts";

const BUFFER_OCTETS = 1 << 20;
/** All changes within this time are one report. */
const SETTLE_MS = 20;

export interface NetworkWatch {
  /**
   * Whether anything has changed, or may have, since the last call; true at first. The kernel reports a
   * change before the call that makes it returns. Some microseconds. Always true once the watch is closed.
   * Throws SystemCallError.
   */
  hasNews(): boolean;
  /**
   * Why changes were missed since the last call; call it once a second. They have been reported by then.
   * Throws SystemCallError.
   */
  fault(): string | undefined;
  close(): void;
}

export interface NetworkWatchOptions {
  /** Called at the first of several changes. */
  readonly onFirst?: () => void;
  readonly bufferOctets?: number;
}

/**
 * Calls `onChange` after interfaces, addresses or routes have changed, also if `hasNews` has reported it. If
 * the kernel refuses something to it or to `onFirst`, that is a fault, and the next look calls it again.
 * Throws SystemCallError.
 */
export function watchNetwork(
  onChange: () => void,
  { onFirst, bufferOctets = BUFFER_OCTETS }: NetworkWatchOptions = {},
): NetworkWatch {
  const open = (): NetlinkSocket =>
    openNetlinkSocket(NETLINK_ROUTE, { bufferOctets, groups: NETWORK_EVENT_GROUPS });
  let isNews = true;
  let isClosed = false;
  let refusal: string | undefined;
  let settling: NodeJS.Timeout | undefined;
  function look(hasFailed: boolean): void {
    if (!drain(events.current()) && !hasFailed) return;
    isNews = true;
    if (settling === undefined && onFirst !== undefined) act(onFirst);
    settling ??= setTimeout(() => {
      settling = undefined;
      act(onChange);
    }, SETTLE_MS);
  }
  function act(run: () => void): void {
    try {
      run();
      refusal = undefined;
    } catch (error) {
      if (!isOfKernel(error)) throw error;
      refusal = error.message;
      isNews = true;
    }
  }
  const events = openEventSocket(open, look);
  return {
    hasNews() {
      if (isClosed) return true;
      look(false);
      const wasNews = isNews;
      isNews = false;
      return wasNews;
    },
    fault() {
      if (refusal !== undefined) act(onChange);
      return events.fault() ?? refusal;
    },
    close() {
      isClosed = true;
      clearTimeout(settling);
      events.close();
    },
  };
}

/**
 * Whether there was an event. Nobody reads what it says: the facts are read anew. Too many at once (ENOBUFS)
 * count as one.
 */
function drain(socket: NetlinkSocket): boolean {
  let isEvent = false;
  for (;;) {
    try {
      while (socket.receive()) isEvent = true;
      return isEvent;
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
      isEvent = true;
    }
  }
}

function isOfKernel(error: unknown): error is SystemCallError | KernelError | NetlinkError {
  return error instanceof SystemCallError || error instanceof KernelError || error instanceof NetlinkError;
}
