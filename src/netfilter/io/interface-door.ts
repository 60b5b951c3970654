/** Keeps interfaces closed that do not exist yet, until they have their guard: see `door-table.ts`. */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { DOOR_STAND_IN, DOOR_TABLE } from "../kernel-names.ts";
import { createDoorTable, deleteDoorTable, writeDoorTable } from "../wire/door-table.ts";
import { sendBatch } from "./send-batch.ts";

/** A door's largest batch has some 100 kB. */
const BUFFER_OCTETS = 1 << 20;

export interface InterfaceDoor {
  /** The netlink port that its changes come from. */
  readonly port: number;
  /** Transactions that it has made. */
  made(): number;
  /**
   * From now on only these interfaces pass. Any other stays closed throughout the change. False if the first
   * try shows that the kernel cannot hook interfaces to come: then nothing is closed. Throws KernelError,
   * SystemCallError; the earlier state then stays.
   */
  letThrough(names: readonly string[]): boolean;
  /** Lets every interface pass. Throws the same. */
  remove(): void;
  /** Closes the socket; closed interfaces stay closed. */
  close(): void;
}

/** Of a transaction: the kernel has no such hook, or holds already what was to be made first. */
type Outcome = "made" | "not known" | "there already";

/** Opens it in the current network namespace, and changes nothing yet. Throws SystemCallError. */
export function openInterfaceDoor(): InterfaceDoor {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  let made = 0;

  function change(write: Parameters<typeof sendBatch>[1]): Outcome {
    try {
      sendBatch(socket, write);
      made += 1;
      return "made";
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      if (made === 0 && NOT_KNOWN.has(error.code)) return "not known";
      if (made === 0 && error.code === "EEXIST") return "there already";
      throw new KernelError("refused", "nf_tables", `interfaces to come: ${error.code}`, error);
    }
  }

  return {
    port: socket.port,
    made: () => made,
    letThrough(names) {
      if (made === 0) {
        // Where no process was before, nothing has to stand in, which is half the time of what follows.
        const first = change((writer, next) => createDoorTable(writer, next, names));
        if (first !== "there already") return first === "made";
      }
      // One of the two tables is whole at every instant.
      for (const table of [DOOR_STAND_IN, DOOR_TABLE] as const) {
        if (change((writer, next) => writeDoorTable(writer, next, table, names)) !== "made") return false;
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
 * Before Linux 5.16 there is no such hook at all. Later kernels wanted whole names of existing interfaces for
 * a long time.
 */
const NOT_KNOWN: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOENT"]);

/** Removes what an ended process has left. Throws KernelError, SystemCallError. */
export function removeInterfaceDoor(): void {
  const door = openInterfaceDoor();
  try {
    door.remove();
  } finally {
    door.close();
  }
}
