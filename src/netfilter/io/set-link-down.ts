/**
 * Sets an interface down:
 *
 *     RTM_NEWLINK   ifinfomsg (16): family:1 pad:1 type:2 index:4 flags:4 change:4
 *
 * Source: linux/rtnetlink.h, linux/if.h.
 */
import { NETLINK_ROUTE } from "../../netlink/constants.ts";
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { IFF_UP, RTM_NEWLINK } from "../../netlink/rtnetlink.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";

const NLM_F_REQUEST_ACK = 0x5;
const OCTETS = 32;

/**
 * Nothing leaves by it any more, not even by AF_XDP. Throws NetlinkRefusal (EPERM, ENODEV), SystemCallError.
 */
export function setLinkDown(interfaceIndex: number): void {
  const message = Buffer.alloc(OCTETS);
  message.writeUInt32LE(OCTETS, 0);
  message.writeUInt16LE(RTM_NEWLINK, 4);
  message.writeUInt16LE(NLM_F_REQUEST_ACK, 6);
  message.writeUInt32LE(1, 8);
  message.writeInt32LE(interfaceIndex, 20);
  message.writeUInt32LE(0, 24);
  message.writeUInt32LE(IFF_UP, 28);
  const socket = openNetlinkSocket(NETLINK_ROUTE, { bufferOctets: 1 << 16 });
  try {
    socket.send(message);
    awaitAcknowledgement(socket.receive, 1);
  } finally {
    socket.close();
  }
}
