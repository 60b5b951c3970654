/**
 * The kernel's sets of addresses that bound names own, written straight over netlink like those of learned
 * addresses. So an address leads to the interceptor before anybody gets the answer that has it. Elements have
 * no timeout: the keeper of the sets takes out what has expired. While the sidecar is away, all of it stays
 * closed.
 */
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { NETLINK_NETFILTER, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../../netlink/writer.ts";
import { openRequestSocket } from "../../sys/netlink-socket.ts";
import type { BoundSet } from "../bound-set.ts";
import { BOUND_SETS } from "../chains/intercept-chains.ts";
import { KernelError } from "../errors.ts";
import { TABLE } from "../kernel-names.ts";
import {
  addElement,
  beginBatch,
  deleteElement,
  ELEM_LIST,
  endBatch,
  NFPROTO_INET,
  NFT_MSG_DELSETELEM,
  type SetName,
} from "../wire/set-element.ts";

export interface OpenBoundSet extends BoundSet {
  /** The netlink port that its changes come from. */
  readonly port: number;
  /** Transactions that it has made. */
  made(): number;
  close(): void;
}

const BUFFER_OCTETS = 1 << 20;
const V4: SetName = { table: TABLE, set: BOUND_SETS[4] };
const V6: SetName = { table: TABLE, set: BOUND_SETS[6] };

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openBoundSet(): OpenBoundSet {
  const socket = openRequestSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  const writer = createNetlinkWriter();
  let sequence = 1;
  let messages = 0;
  let made = 0;

  function next(): number {
    if (messages++ === 0) beginBatch(writer, sequence);
    sequence = (sequence + 1) >>> 0;
    return sequence;
  }
  function add(key: Uint8Array): void {
    addElement(writer, next(), setOf(key), { key, timeoutMs: 0, comment: "" });
  }

  return {
    port: socket.port,
    made: () => made,
    add,
    remove(key) {
      // Deleting an element that is not there fails the batch (Linux 6.3 has a message for it).
      add(key);
      deleteElement(writer, next(), setOf(key), { key });
    },
    clear() {
      for (const set of [V4, V6]) deleteAll(writer, next(), set);
    },
    commit() {
      if (messages === 0) return;
      const expected = sequence;
      endBatch(writer, sequence + 1);
      try {
        socket.send(writer.buffer(), writer.length());
        awaitAcknowledgement(socket.receive, expected);
        made += 1;
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        throw new KernelError("refused", "nf_tables", `addresses of bound names: ${error.code}`, error);
      } finally {
        writer.reset();
        messages = 0;
      }
    },
    close: socket.close,
  };
}

const setOf = (key: Uint8Array): SetName => (key.length === 4 ? V4 : V6);

/** `flush set`: a deletion without elements. */
function deleteAll(writer: NetlinkWriter, sequence: number, { table, set }: SetName): void {
  const message = writer.begin(NFT_MSG_DELSETELEM, NLM_F_REQUEST, sequence, NFPROTO_INET, 0);
  writer.text(ELEM_LIST.table, table);
  writer.text(ELEM_LIST.set, set);
  writer.end(message);
}
