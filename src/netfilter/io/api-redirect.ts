/**
 * Sends the API's port to those that the API listens on: one for callers from outside, one for those from
 * inside. Not here: that nobody is reached on the API's port without this redirect, which is the permanent
 * ruleset's part (`api-port.ts`).
 */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { createPoll, POLLNVAL } from "../../sys/poll.ts";
import type { Redirect } from "../wire/redirect-rules.ts";
import { deleteRedirectTable, writeRedirectTable } from "../wire/redirect-table.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { putOwned } from "./put-owned.ts";
import { sendBatch } from "./send-batch.ts";

const BUFFER_OCTETS = 1 << 16;

export interface ApiRedirect {
  /** Whether it goes with this process, however that ends; before Linux 5.12 it stays. */
  readonly endsWithProcess: boolean;
  /**
   * Why callers were not sent on since the last look; to be asked about once a second. They are from then on.
   * Throws NetlinkError, SystemCallError.
   */
  fault(): string | undefined;
  /** Takes it away. Connections that are open go on. */
  close(): void;
}

/**
 * Puts it into the current network namespace. Throws NetlinkError (EPERM: another sidecar's is in force),
 * SystemCallError.
 */
export function openApiRedirect(redirect: Redirect): ApiRedirect {
  let socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  const put = (isOwned: boolean): void =>
    sendBatch(socket, (writer, next) => writeRedirectTable(writer, next, redirect, isOwned));
  try {
    const endsWithProcess = putOwned((ownership) => put(ownership === "owned"));
    return {
      endsWithProcess,
      fault() {
        if (!createPoll(socket.fd).has(POLLNVAL)) return undefined;
        // The table has gone with the socket that owned it.
        socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
        put(endsWithProcess);
        return "its descriptor is closed";
      },
      close() {
        if (!endsWithProcess) sendBatch(socket, (writer, next) => deleteRedirectTable(writer, next()));
        socket.close();
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Takes away a redirect that an ended process has left; false where it is a live one's, whose it stays.
 * Before Linux 5.12 nothing tells the two apart, and it goes. Throws NetlinkError, SystemCallError.
 */
export function removeApiRedirect(): boolean {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  try {
    sendBatch(socket, (writer, next) => deleteRedirectTable(writer, next()));
    return true;
  } catch (error) {
    if (!(error instanceof NetlinkError) || !NOT_OURS_TO_REMOVE.has(error.code)) throw error;
    return error.code !== "EPERM";
  } finally {
    socket.close();
  }
}

const NOT_OURS_TO_REMOVE: ReadonlySet<string> = new Set(["ENOENT", "EPERM"]);
