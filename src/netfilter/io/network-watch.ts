/** Word of changes of the network namespace's interfaces, addresses and routes, straight from the kernel. */
import { SystemCallError } from "../../sys/errors.ts";
import { openNetlinkSocket, type NetlinkSocket } from "../../sys/netlink-socket.ts";
import { watchReadable } from "../../sys/readiness.ts";
import { NETWORK_EVENT_GROUPS } from "../wire/rtnetlink.ts";

const NETLINK_ROUTE = 0;
const RECEIVE_OCTETS = 1 << 20;
/** Word of a change comes once for all that happen within this time. */
const SETTLE_MS = 20;

/** Calls `onChange` after interfaces, addresses or routes have changed. Throws SystemCallError. */
export function watchNetwork(onChange: () => void): { close(): void } {
  const socket = openNetlinkSocket(NETLINK_ROUTE, {
    bufferOctets: RECEIVE_OCTETS,
    groups: NETWORK_EVENT_GROUPS,
  });
  let settling: NodeJS.Timeout | undefined;
  const watch = watchReadable(socket.fd, () => {
    drain(socket);
    settling ??= setTimeout(() => {
      settling = undefined;
      onChange();
    }, SETTLE_MS);
  });
  return {
    close() {
      clearTimeout(settling);
      watch.close();
      socket.close();
    },
  };
}

/** What the events say is not looked at: the facts are read anew. Too many events at once (ENOBUFS) say the same. */
function drain(socket: NetlinkSocket): void {
  try {
    while (socket.receive()) continue;
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
  }
}
