/**
 * Protections that depend on the machine or on a setting: each is on or off while the sidecar runs. What is
 * always there, such as deny-all before anything listens, is none of them.
 */

interface ProtectionText {
  /** One line: what it keeps a workload from. */
  readonly meaning: string;
  /** What to do where it is off. */
  readonly remedy: string;
}

/** The closed list, in the order that they are shown in. */
export const PROTECTIONS = {
  connections: {
    meaning: "connections are judged, not lookups alone",
    remedy: "set OPENSANDBOX_EGRESS_MODE=dns+nft",
  },
  "raw-frames": {
    meaning: "frames from packet sockets leave by no interface",
    remedy:
      "use a kernel from Linux 5.16, and interface names without quotes, blanks, backslashes and asterisks",
  },
  "af-xdp": {
    meaning: "AF_XDP sockets, which send past the guard of raw frames, find every queue held",
    remedy:
      "start the sidecar first, with CAP_NET_RAW, enough locked memory, and AF_XDP in its seccomp profile",
  },
  "own-sockets": {
    meaning: "packets pass as ours only from sockets of a secret group, besides their marks",
    remedy: "give the sidecar CAP_SETGID, and group ids of its own if it is in a user namespace",
  },
  "loopback-answers": {
    meaning: "no upstream is at a loopback address, whose answers a workload with CAP_NET_RAW could forge",
    remedy: "name upstreams at other addresses in OPENSANDBOX_EGRESS_DNS_UPSTREAM",
  },
  "wire-names": {
    meaning: "connections to the addresses of names pass only with an allowed name, seen in TLS and HTTP",
    remedy:
      "leave OPENSANDBOX_EGRESS_WIRE_NAMES at known, and use a kernel from Linux 5.16 with nfnetlink_queue, and nft from 1.0.1",
  },
  "idle-flows": {
    meaning: "TCP flows that a change denies are ended at once, also while they are idle",
    remedy: "use a kernel with CONFIG_INET_DIAG_DESTROY",
  },
} as const satisfies Readonly<Record<string, ProtectionText>>;

export type ProtectionName = keyof typeof PROTECTIONS;

export type ProtectionState = { readonly state: "on" } | { readonly state: "off"; readonly reason: string };

export function isProtectionName(text: string): text is ProtectionName {
  return Object.hasOwn(PROTECTIONS, text);
}

export function listProtectionNames(): readonly ProtectionName[] {
  return Object.keys(PROTECTIONS).filter(isProtectionName);
}

/** What mode `dns` says of a protection of connections. */
export const ONLY_LOOKUPS: ProtectionState = { state: "off", reason: "mode dns judges lookups alone" };
