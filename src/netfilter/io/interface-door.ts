/** Keeps closed what interfaces there will be, until they have their guard: see `door-table.ts`. */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { DOOR_STAND_IN, DOOR_TABLE } from "../kernel-names.ts";
import { deleteDoorTable, writeDoorTable } from "../wire/door-table.ts";
import { sendBatch } from "./send-batch.ts";

/** A door's largest batch has some 100 kB. */
const BUFFER_OCTETS = 1 << 20;

export interface InterfaceDoor {
  /** The netlink port that its changes come from. */
  readonly port: number;
  /** Transactions that it has made. */
  made(): number;
  /**
   * From now on these pass, and no others; what is closed before and after is closed throughout. False where
   * the kernel shows at the first try that it cannot hook interfaces to come: nothing is closed then. Throws
   * KernelError, SystemCallError, and then what was there is there still.
   */
  letThrough(names: readonly string[]): boolean;
  /** Lets all pass. Throws the same. */
  remove(): void;
  /** Closes the socket; what is closed stays closed. */
  close(): void;
}

/** Opens it in the current network namespace, and changes nothing yet. Throws SystemCallError. */
export function openInterfaceDoor(): InterfaceDoor {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  let made = 0;

  /** False where the kernel knows nothing of it. */
  function change(write: Parameters<typeof sendBatch>[1]): boolean {
    try {
      sendBatch(socket, write);
      made += 1;
      return true;
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      if (made === 0 && NOT_KNOWN.has(error.code)) return false;
      throw new KernelError("refused", "nf_tables", `interfaces to come: ${error.code}`, error);
    }
  }

  return {
    port: socket.port,
    made: () => made,
    letThrough(names) {
      // One of the two is whole at every instant.
      for (const table of [DOOR_STAND_IN, DOOR_TABLE] as const) {
        if (!change((writer, next) => writeDoorTable(writer, next, table, names))) return false;
      }
      change((writer, next) => deleteDoorTable(writer, next, DOOR_STAND_IN));
      return true;
    },
    remove() {
      for (const table of [DOOR_TABLE, DOOR_STAND_IN] as const) {
        change((writer, next) => deleteDoorTable(writer, next, table));
      }
    },
    close: socket.close,
  };
}

/**
 * Before Linux 5.16 there is no such hook at all, and for long it wanted whole names of interfaces that are
 * there.
 */
const NOT_KNOWN: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOENT"]);

/** Takes away what a process has left that is gone. Throws KernelError, SystemCallError. */
export function removeInterfaceDoor(): void {
  const door = openInterfaceDoor();
  try {
    door.remove();
  } finally {
    door.close();
  }
}
