/**
 * Packet sockets never pass the output hook. So what honestly leaves gets a secret mark and priority at the
 * last step of the IP stack, and ARP gets them in its own output hook. The egress hook of each interface lets
 * only these packets out, and clears both before taps can see them.
 */
import type { Marks } from "../ruleset-input.ts";
import { ARP_TABLE, GUARD_TABLE, guardChainName } from "../kernel-names.ts";
import { matchMarks, setMarks } from "./own-marks.ts";
import type { Chain, Rule, Table } from "../ruleset.ts";

const CLEAR = "meta mark set 0 meta priority set none";

/** Whether nft(8) can take the name: it has no escapes inside quotes, and reads `*` as a wildcard. */
export function canBeGuarded(device: string): boolean {
  return /^[^"*\\\s]{1,15}$/.test(device);
}

/**
 * Only packets for guarded interfaces get the stamp: on another interface anybody could read it there. Our
 * own marks leave by that one, too. `first` goes ahead of all.
 */
export function stampChain(marks: Marks, devices: readonly string[], first: readonly Rule[] = []): Chain {
  return {
    name: "stamp",
    hook: { type: "filter", name: "postrouting", priority: 300, policy: "accept" },
    rules: [
      ...first,
      { statements: 'oif "lo" meta mark 0 accept', comment: "nothing to hide" },
      ...LOOPBACK_STAYS,
      ...(devices.length === 0 ? [] : [loopedBack(marks), stamp(marks, devices)]),
      // In any group: this also matches what the kernel sends once the socket is closed.
      { statements: `${matchMarks(marks.mark, marks.priority)} ${CLEAR}`, comment: "taps learn nothing" },
      ...NO_REFLECTION,
    ],
  };
}

/**
 * If `net.ipv4.fwmark_reflect` is on, the kernel's errors and resets carry the mark of the packet that caused
 * them. For a packet that waited in vain for its neighbour's address, that mark is the stamp's. Errors and
 * resets are of no process's socket; a socket's own packet has the mark that it was given.
 */
const NO_REFLECTION: readonly Rule[] = [
  { statements: 'oif "lo" meta skuid >= 0 accept' },
  { statements: 'oif "lo" meta mark set 0', comment: "no answer of the kernel's repeats a secret mark" },
];

/**
 * The kernel copies what goes to an IPv6 group for this machine, once it is stamped. It sends the copy
 * through here again and then to our own receivers and taps, past the guard. IPv4 makes its copy earlier, and
 * this chain cannot tell it: see GROUPS in `egress-chain.ts`.
 */
function loopedBack({ stampMark, stampPriority }: Marks): Rule {
  return {
    statements: `${matchMarks(stampMark, stampPriority)} ${CLEAR} accept`,
    comment: "a copy for our own group members: it does not leave, and tells them no stamp",
    forGuard: true,
  };
}

/**
 * A socket bound to an interface sends packets for a loopback address out on it, past rules that trusted the
 * address. Only here is the interface the true one.
 */
const LOOPBACK_STAYS: readonly Rule[] = [
  {
    statements: 'oif != "lo" ip daddr 127.0.0.0/8 counter drop',
    comment: "loopback addresses do not leave, whatever a socket is bound to",
  },
  { statements: 'oif != "lo" ip6 daddr ::1 counter drop' },
];

/** None if there is no interface to guard. */
export function guardTables(marks: Marks, devices: readonly string[]): readonly Table[] {
  if (devices.length === 0) return [];
  const output: Chain = {
    name: "output",
    hook: { type: "filter", name: "output", priority: 0, policy: "accept" },
    rules: [stamp(marks, devices)],
  };
  return [
    { family: "arp", name: ARP_TABLE, sets: [], chains: [output] },
    {
      family: "netdev",
      name: GUARD_TABLE,
      sets: [],
      chains: devices.map((device) => guardChain(marks, device)),
    },
  ];
}

/**
 * The last rule closes, not the chain's policy: the kernel sets a new chain's policy last, once the old
 * chain's hook is gone.
 */
function guardChain({ stampMark, stampPriority }: Marks, device: string): Chain {
  return {
    name: guardChainName(device),
    hook: { type: "filter", name: "egress", priority: 0, policy: "drop", device },
    rules: [
      { statements: `${matchMarks(stampMark, stampPriority)} ${CLEAR} accept` },
      { statements: "counter drop", comment: "a raw frame" },
    ],
  };
}

function stamp({ stampMark, stampPriority }: Marks, devices: readonly string[]): Rule {
  const names = devices.map((device) => `"${device}"`);
  const match = names.length === 1 ? names.join("") : `{ ${names.join(", ")} }`;
  return {
    statements: `oifname ${match} ${setMarks(stampMark, stampPriority)} accept`,
    forGuard: true,
  };
}
