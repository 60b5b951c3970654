import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { ENOENT } from "../../sys/libc.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { TABLE } from "../kernel-names.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { NFPROTO_INET, nftMessage } from "../wire/set-element.ts";
import { NLM_F_REQUEST } from "../../netlink/constants.ts";

const NFT_MSG_GETTABLE = nftMessage(1);
const NFTA_TABLE_NAME = 1;

/** Whether the namespace has our table, whole or not. Some 50 us where nft(8) takes 10 ms. Throws SystemCallError. */
export function isTableThere(): boolean {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    const writer = createNetlinkWriter(64);
    const message = writer.begin(NFT_MSG_GETTABLE, NLM_F_REQUEST, 1, NFPROTO_INET, 0);
    writer.text(NFTA_TABLE_NAME, TABLE);
    writer.end(message);
    socket.send(writer.written());
    const answer = socket.receive();
    for (const reply of readReplies(answer ?? Buffer.alloc(0))) {
      if (reply.kind === "message") return true;
      if (reply.kind === "error" && reply.errno === ENOENT) return false;
      if (reply.kind === "error")
        throw new SystemCallError("NFT_MSG_GETTABLE", reply.errno, errnoName(reply.errno));
    }
    // Without an answer nft(8) is asked.
    return true;
  } finally {
    socket.close();
  }
}
