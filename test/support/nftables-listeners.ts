/** Who hears of nftables transactions, as the kernel lists its netlink sockets. */
import { readFileSync } from "node:fs";

const NETLINK_NETFILTER = 12;
/** Group 7, NFNLGRP_NFTABLES. */
const GROUP_BIT = 1 << 6;

/** Sockets that do so in the namespace of the process. */
export function countNftablesListeners(pid: number): number {
  // sk Eth Pid Groups ...: address, protocol, port, and the groups' bits in hexadecimal.
  const lines = readFileSync(`/proc/${pid}/net/netlink`, "ascii").split("\n").slice(1);
  return lines.filter((line) => {
    const [, protocol, , groups = "0"] = line.trim().split(/\s+/);
    return Number(protocol) === NETLINK_NETFILTER && (Number.parseInt(groups, 16) & GROUP_BIT) !== 0;
  }).length;
}
