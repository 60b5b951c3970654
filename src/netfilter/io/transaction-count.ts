/**
 * How many nftables transactions the namespace has seen, against how many were our own. The kernel's number
 * of the last one grows by one with each, unless it has changed nothing. Some microseconds a look.
 */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { openRequestSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { askTransaction, readTransactionEvent } from "../wire/ruleset-event.ts";

export interface TransactionCount {
  /** Throws KernelError and SystemCallError. */
  begin(): void;
  /**
   * How many more transactions there were than our ports made since the last call, or since `begin`: it
   * counts without a gap. Throws the same.
   */
  others(): number;
  /** The kernel's number of the last transaction that has been counted. */
  counted(): number;
  close(): void;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openTransactionCount(ownTransactions: () => number): TransactionCount {
  const socket = openRequestSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  const writer = createNetlinkWriter(64);
  let [number, own] = [0, 0];

  function read(): number {
    writer.reset();
    askTransaction(writer, 1);
    socket.send(writer.written());
    for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
      for (const reply of readReplies(datagram)) {
        if (reply.kind !== "message") continue;
        const transaction = readTransactionEvent(reply.type, reply.payload);
        if (transaction) return transaction.number;
      }
    }
    throw new KernelError("refused", "nf_tables", "does not say how many transactions there were");
  }

  return {
    begin() {
      number = read();
      own = ownTransactions();
    },
    counted: () => number,
    others() {
      const [numberBefore, ownBefore] = [number, own];
      number = read();
      own = ownTransactions();
      return ((number - numberBefore) >>> 0) - (own - ownBefore);
    },
    close: socket.close,
  };
}
