/**
 * Leads flows to addresses of bound names to the interceptor, as long as this process lives. Not here: which
 * flows these are, and that nothing reaches such an address without this redirect, which is the permanent
 * ruleset's part (`chains/intercept-chains.ts`).
 */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { createPoll, POLLNVAL } from "../../sys/poll.ts";
import {
  deleteInterceptTable,
  type InterceptRedirect,
  writeInterceptTable,
} from "../wire/intercept-table.ts";
import { putOwned } from "./put-owned.ts";
import { sendBatch } from "./send-batch.ts";

const BUFFER_OCTETS = 1 << 16;

export interface InterceptRedirectHandle {
  /**
   * Why flows were not led here since the last look; to be asked about once a second. They are from then on.
   * Throws NetlinkError, SystemCallError.
   */
  fault(): string | undefined;
  /** Takes it away: bound hosts cannot be reached then. Connections that are open go on. */
  close(): void;
}

/**
 * Puts it into the current network namespace. Throws NetlinkError (EPERM: another sidecar's is in force),
 * SystemCallError.
 */
export function openInterceptRedirect(redirect: InterceptRedirect): InterceptRedirectHandle {
  let socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  const put = (): boolean =>
    putOwned((ownership) =>
      sendBatch(socket, (writer, next) => writeInterceptTable(writer, next, redirect, ownership)),
    );
  try {
    const endsWithProcess = put();
    return {
      fault() {
        if (!createPoll(socket.fd).has(POLLNVAL)) return undefined;
        // The table has gone with the socket that owned it.
        socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
        put();
        return "its descriptor is closed";
      },
      close() {
        if (!endsWithProcess) sendBatch(socket, (writer, next) => deleteInterceptTable(writer, next()));
        socket.close();
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Takes away what an ended process has left, where there is something. Before Linux 5.12 nothing else does.
 * Throws NetlinkError, SystemCallError.
 */
export function removeInterceptRedirect(): void {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  try {
    sendBatch(socket, (writer, next) => deleteInterceptTable(writer, next()));
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== "ENOENT") throw error;
  } finally {
    socket.close();
  }
}
