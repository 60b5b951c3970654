/** Gives packets of some addresses the machine's own on their way out, in a table of its own. */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { writeMasqueradeTable } from "../wire/masquerade-table.ts";
import { deleteTable } from "../wire/tables.ts";
import { putOwned } from "./put-owned.ts";
import { sendBatch } from "./send-batch.ts";

export interface Masquerade {
  /** Whether the table goes with this process, however that ends, and stays when others flush the ruleset; not before Linux 5.12. */
  readonly endsWithProcess: boolean;
  /** Takes it away. Throws NetlinkError (ENOENT: it is gone already), SystemCallError. */
  close(): void;
}

/** Opens it in the current network namespace; `sources` have 4 or 16 octets. Throws NetlinkError, SystemCallError. */
export function openMasquerade(name: string, sources: readonly Uint8Array[]): Masquerade {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    const endsWithProcess = putOwned((ownership) =>
      sendBatch(socket, (writer, next) => writeMasqueradeTable(writer, next, { name, sources }, ownership)),
    );
    return {
      endsWithProcess,
      close() {
        try {
          if (!endsWithProcess) sendBatch(socket, (writer, next) => deleteTable(writer, next(), name));
        } finally {
          socket.close();
        }
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}
