/**
 * Numbers of nf_tables' and nfnetlink's messages that several of our messages share
 * (linux/netfilter/nf_tables.h, nfnetlink.h, netfilter.h).
 */
import { nftMessage } from "./set-element.ts";

/** Octets of nfgenmsg, between a message's header and its attributes. */
export const NFGENMSG = 4;

export const NFT_MSG_NEWTABLE = nftMessage(0);
export const NFT_MSG_GETTABLE = nftMessage(1);
export const NFT_MSG_DELTABLE = nftMessage(2);
export const NFT_MSG_NEWCHAIN = nftMessage(3);

/** Attributes of a table and of a chain, and the flag of a table that ends with its socket. */
export const TABLE_ATTRIBUTE = { name: 1, flags: 2 } as const;
export const TABLE_OWNER = 2;
export const CHAIN_ATTRIBUTE = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;

/** Of a chain's hook. */
export const HOOK = { number: 1, priority: 2, devices: 4 } as const;

/** Of the expression `ct`: where it stands, and what of conntrack's entry it reads or sets (NFT_CT_*). */
export const CT = { destination: 1, key: 2, source: 4 } as const;
export const CT_KEY = { state: 0, direction: 1, mark: 3, id: 23 } as const;

export const NF_DROP = 0;
export const NF_ACCEPT = 1;

/** As IANA numbers protocols. */
export const TCP = 6;

/**
 * How nfnetlink_log and nfnetlink_queue are asked to listen to a group or queue, and to hand on packets with
 * their octets.
 */
export const BIND = 1;
export const COPY_PACKET = 2;
