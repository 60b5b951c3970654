/**
 * A table that is in force as long as this process lives: an open socket owns it. Not here: what stands in
 * the table.
 */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { createPoll, POLLNVAL } from "../../sys/poll.ts";
import { putOwned } from "./put-owned.ts";
import { sendBatch } from "./send-batch.ts";

const BUFFER_OCTETS = 1 << 16;

/** The messages of one transaction each. */
export interface OwnedTableText {
  readonly write: (writer: NetlinkWriter, next: () => number, ownership: "owned" | "left") => void;
  readonly remove: (writer: NetlinkWriter, sequence: number) => void;
}

export interface OwnedTable {
  /** Whether it goes with this process, however that ends; before Linux 5.12 it stays. */
  readonly endsWithProcess: boolean;
  /**
   * Why it was not in force since the last call; call it once a second. It is in force again by then. Throws
   * NetlinkError, SystemCallError.
   */
  fault(): string | undefined;
  /** Removes it. */
  close(): void;
}

/**
 * Puts it into the current network namespace. Throws NetlinkError (EPERM: another process's is in force),
 * SystemCallError.
 */
export function openOwnedTable({ write, remove }: OwnedTableText): OwnedTable {
  let socket = openTableSocket();
  const put = (): boolean =>
    putOwned((ownership) => sendBatch(socket, (writer, next) => write(writer, next, ownership)));
  try {
    const endsWithProcess = put();
    return {
      endsWithProcess,
      fault() {
        if (!createPoll(socket.fd).has(POLLNVAL)) return undefined;
        // The table has gone with the socket that owned it.
        socket = openTableSocket();
        put();
        return "its descriptor is closed";
      },
      close() {
        if (!endsWithProcess) sendBatch(socket, (writer, next) => remove(writer, next()));
        socket.close();
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Removes what an ended process has left. Throws NetlinkError (EPERM: a live one's), SystemCallError. */
export function removeOwnedTable(remove: OwnedTableText["remove"]): void {
  const socket = openTableSocket();
  try {
    sendBatch(socket, (writer, next) => remove(writer, next()));
  } finally {
    socket.close();
  }
}

function openTableSocket(): NetlinkSocket {
  return openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
}
