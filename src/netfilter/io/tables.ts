/** Tables in the current network namespace: those of the family `inet` listed, made, removed; all listed. */
import { NETLINK_NETFILTER, NLM_F_DUMP, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { dumpAll } from "../../netlink/dump.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { readAttributes } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { NFGENMSG, NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, TABLE_ATTRIBUTE } from "../wire/constants.ts";
import { writeMasqueradeTable } from "../wire/masquerade-table.ts";
import { NFPROTO_INET } from "../wire/set-element.ts";
import { addTable, deleteTable } from "../wire/tables.ts";
import { putOwned } from "./put-owned.ts";
import { sendBatch } from "./send-batch.ts";

const NFPROTO_UNSPEC = 0;

/** All of it throws NetlinkError and SystemCallError. */
export interface Tables {
  /** Their names. */
  list(): readonly string[];
  /** Makes an empty table that stays until somebody removes it. An existing one stays as it is. */
  make(name: string): void;
  /**
   * Makes a table that gives packets of `sources`, 4 or 16 octets each, the machine's own address on their
   * way out. From Linux 5.12 on it goes with this process, however that ends, and stays when others flush the
   * ruleset.
   */
  masquerade(name: string, sources: readonly Uint8Array[]): void;
  /** Removes it, if it is there. */
  remove(name: string): void;
  /**
   * The kernel waits here until it has freed all that was removed, about 20 ms: close it after everything
   * else.
   */
  close(): void;
}

/** Opens them in the current network namespace. Throws SystemCallError. */
export function openTables(): Tables {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  return {
    list: () => dumpNames(socket, NFPROTO_INET),
    make: (name) => sendBatch(socket, (writer, next) => addTable(writer, next(), name, "left")),
    masquerade(name, sources) {
      putOwned((ownership) =>
        sendBatch(socket, (writer, next) => writeMasqueradeTable(writer, next, { name, sources }, ownership)),
      );
    },
    remove(name) {
      try {
        sendBatch(socket, (writer, next) => deleteTable(writer, next(), name));
      } catch (error) {
        if (!(error instanceof NetlinkError) || error.code !== "ENOENT") throw error;
      }
    },
    close: socket.close,
  };
}

/** The names of all tables, of every family. Throws NetlinkError, SystemCallError. */
export function listEveryTable(): readonly string[] {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    return dumpNames(socket, NFPROTO_UNSPEC);
  } finally {
    socket.close();
  }
}

function dumpNames(socket: NetlinkSocket, family: number): readonly string[] {
  const writer = createNetlinkWriter(64);
  writer.end(writer.begin(NFT_MSG_GETTABLE, NLM_F_REQUEST | NLM_F_DUMP, 1, family, 0));
  return dumpAll(socket, writer.written(), { what: "tables", wanted: NFT_MSG_NEWTABLE }, readName);
}

function readName(payload: Buffer): string | undefined {
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type === TABLE_ATTRIBUTE.name) return value.toString("latin1").replace(/\0.*$/s, "");
  }
  return undefined;
}
