import { NFGENMSG, NFT_MSG_GETTABLE, TABLE_ATTRIBUTE, TABLE_OWNER } from "../wire/constants.ts";
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { ENOENT } from "../../sys/libc.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { API_TABLE, TABLE } from "../kernel-names.ts";
import { readAttributes, readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { NFPROTO_INET } from "../wire/set-element.ts";
import { NLM_F_REQUEST } from "../../netlink/constants.ts";

/**
 * Whether the namespace has our table, whole or not. It takes about 50 us; nft(8) takes 10 ms. Throws
 * SystemCallError.
 */
export function isTableThere(): boolean {
  return findTable(TABLE) !== "none";
}

/**
 * Whether a live sidecar serves the API in this namespace: its table goes with it. Before Linux 5.12 tables
 * have no owners, and the answer is always no. Throws SystemCallError.
 */
export function isApiServed(): boolean {
  const found = findTable(API_TABLE);
  if (!Buffer.isBuffer(found)) return false;
  for (const { type, value } of readAttributes(found, NFGENMSG)) {
    if (type === TABLE_ATTRIBUTE.flags && value.length === 4)
      return (value.readUInt32BE() & TABLE_OWNER) !== 0;
  }
  return false;
}

/** What the kernel says of a table; `unknown` if it does not answer. */
function findTable(name: string): Buffer | "none" | "unknown" {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    const writer = createNetlinkWriter(64);
    const message = writer.begin(NFT_MSG_GETTABLE, NLM_F_REQUEST, 1, NFPROTO_INET, 0);
    writer.text(TABLE_ATTRIBUTE.name, name);
    writer.end(message);
    socket.send(writer.written());
    const answer = socket.receive();
    for (const reply of readReplies(answer ?? Buffer.alloc(0))) {
      if (reply.kind === "message") return reply.payload;
      if (reply.kind === "error" && reply.errno === ENOENT) return "none";
      if (reply.kind === "error")
        throw new SystemCallError("NFT_MSG_GETTABLE", reply.errno, errnoName(reply.errno));
    }
    return "unknown";
  } finally {
    socket.close();
  }
}
