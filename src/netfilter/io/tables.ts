/** Tables of the family `inet` by name: listed, made without content, removed. */
import { NETLINK_NETFILTER, NLM_F_DUMP, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { dumpAll } from "../../netlink/dump.ts";
import { readAttributes } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { NFGENMSG, NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, TABLE_ATTRIBUTE } from "../wire/constants.ts";
import { NFPROTO_INET } from "../wire/set-element.ts";
import { addTable, deleteTable } from "../wire/tables.ts";
import { sendBatch } from "./send-batch.ts";

/** Their names. Throws SystemCallError. */
export function listTables(): readonly string[] {
  return withSocket((socket) => {
    const writer = createNetlinkWriter(64);
    writer.end(writer.begin(NFT_MSG_GETTABLE, NLM_F_REQUEST | NLM_F_DUMP, 1, NFPROTO_INET, 0));
    return dumpAll(socket, writer.written(), { what: "tables", wanted: NFT_MSG_NEWTABLE }, readName);
  });
}

/** Makes it, without an owner: it stays until it is removed. One that is there stays as it is. Throws NetlinkError, SystemCallError. */
export function makeTable(name: string): void {
  withSocket((socket) => sendBatch(socket, (writer, next) => addTable(writer, next(), name, "left")));
}

/** Removes it, if it is there. Throws NetlinkError (EPERM: a live process owns it), SystemCallError. */
export function removeTable(name: string): void {
  withSocket((socket) =>
    sendBatch(socket, (writer, next) => {
      // Deleting what is not there would fail the batch.
      addTable(writer, next(), name, "left");
      deleteTable(writer, next(), name);
    }),
  );
}

function readName(payload: Buffer): string | undefined {
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type === TABLE_ATTRIBUTE.name) return value.toString("latin1").replace(/\0.*$/s, "");
  }
  return undefined;
}

function withSocket<T>(use: (socket: NetlinkSocket) => T): T {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}
