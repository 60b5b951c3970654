/**
 * Numbers of netlink's own (linux/netlink.h): the protocols that are spoken here, and what a request asks
 * for.
 */
export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_NETFILTER = 12;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** Octets of a message's header and of an attribute's. */
export const NLMSG_HDRLEN = 16;
export const NLA_HDRLEN = 4;
