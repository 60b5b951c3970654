/** A netlink socket that events come to. One whose descriptor is of no use any more is opened anew. */
import type { NetlinkSocket } from "../../sys/netlink-socket.ts";
import { type Ready, watchReadable } from "../../sys/readiness.ts";

export interface EventSocket {
  /** The one that is open now. */
  current(): NetlinkSocket;
  /** Why events were not told since the last look; to be asked about once a second. `ready` has then been called, as after a loss. */
  fault(): string | undefined;
  unref(): void;
  close(): void;
}

/** Calls `ready` if events have come, or were lost. `open` opens the socket, joined to its groups. Throws what that throws. */
export function openEventSocket(open: () => NetlinkSocket, ready: Ready): EventSocket {
  let socket = open();
  let watch = watchReadable(socket.fd, ready);
  let isReferenced = true;

  function reopen(): void {
    const next = open();
    watch.close();
    socket.close();
    socket = next;
    watch = watchReadable(socket.fd, ready);
    if (!isReferenced) watch.unref();
  }

  return {
    current: () => socket,
    fault() {
      const fault = watch.fault();
      if (fault === undefined) return undefined;
      if (fault.isDescriptorLost) reopen();
      ready(true);
      return fault.reason;
    },
    unref() {
      isReferenced = false;
      watch.unref();
    },
    close() {
      watch.close();
      socket.close();
    },
  };
}
