/** A netlink socket that receives events. If its descriptor is lost, it is opened again. */
import { SystemCallError } from "../../sys/errors.ts";
import type { NetlinkSocket } from "../../sys/netlink-socket.ts";
import { type Ready, type Watch, watchReadable, type WatchOptions } from "../../sys/readiness.ts";

export interface EventSocket {
  /** The one that is open now. Throws SystemCallError while there is none. */
  current(): NetlinkSocket;
  /**
   * Why events were missed since the last call; call it once a second. `ready` has then been called, as after
   * a loss. Throws what `open` throws.
   */
  fault(): string | undefined;
  unref(): void;
  close(): void;
}

/**
 * Calls `ready` if events have come, or were lost. `open` opens the socket and joins its groups. Throws what
 * `open` throws.
 */
export function openEventSocket(
  open: () => NetlinkSocket,
  ready: Ready,
  options: WatchOptions = {},
): EventSocket {
  let isReferenced = true;
  let opened: Opened | undefined = begin();

  function begin(): Opened {
    const socket = open();
    const watch = watchReadable(socket.fd, ready, options);
    if (!isReferenced) watch.unref();
    return { socket, watch };
  }

  /** Before another one is opened, which may get the number of the lost descriptor. */
  function end(): void {
    opened?.watch.close();
    opened?.socket.close();
    opened = undefined;
  }

  return {
    current() {
      if (opened === undefined) throw new SystemCallError("recv", EBADF, "netlink");
      return opened.socket;
    },
    fault() {
      const fault = opened === undefined ? GONE : (opened.watch.fault() ?? findLostGroup(opened.socket));
      if (fault === undefined) return undefined;
      if (fault.isDescriptorLost) {
        end();
        opened = begin();
      }
      ready(true);
      return fault.reason;
    },
    unref() {
      isReferenced = false;
      opened?.watch.unref();
    },
    close: end,
  };
}

interface Opened {
  readonly socket: NetlinkSocket;
  readonly watch: Watch;
}

/** The socket could join its group again, but nobody would know what else was changed. */
function findLostGroup(socket: NetlinkSocket): typeof GONE | undefined {
  return socket.hasLostGroup() ? NOT_MEMBER : undefined;
}

const EBADF = 9;
const NOT_MEMBER = { reason: "it no longer gets the events of its group", isDescriptorLost: true };
const GONE = { reason: "there is no socket", isDescriptorLost: true };
