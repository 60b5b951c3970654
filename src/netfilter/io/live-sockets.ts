import { NETLINK_SOCK_DIAG } from "../../netlink/constants.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import { encodeSocketDump, SOCKET_KINDS } from "../../netlink/socket-diag.ts";
import { openRequestSocket } from "../../sys/netlink-socket.ts";
import { listSockets } from "./list-sockets.ts";

/** Some microseconds each. */
const SOCKETS_PER_TURN = 256;

export interface LiveSockets {
  /**
   * Calls `onRemote` with the far end of each connected socket of this network namespace: 4 or 16 octets,
   * valid during the call. The socket may belong to any process, and conntrack need not know its flow. In
   * slices. Throws SystemCallError; then close it.
   */
  read(onRemote: (octets: Buffer) => void): Promise<void>;
  close(): void;
}

/** Opened in the current network namespace. Throws SystemCallError. */
export function openLiveSockets(): LiveSockets {
  const diag = openRequestSocket(NETLINK_SOCK_DIAG, { bufferOctets: 1 << 20 });
  return {
    async read(onRemote) {
      let looked = 0;
      for (const kind of SOCKET_KINDS) {
        for (const { remote } of listSockets(diag, kind, encodeSocketDump)) {
          onRemote(remote);
          if (++looked % SOCKETS_PER_TURN === 0) await nextTurn();
        }
        await nextTurn();
      }
    },
    close: diag.close,
  };
}
