/** What a workload here may do that no rule of the packet filter is there for. Pure. */
import { Capability, type Capabilities } from "../sys/capabilities.ts";

export interface Surroundings {
  readonly capabilities: Capabilities;
  /** A socket of AF_VSOCK could be made. */
  readonly hasVsock: boolean;
  /** Nothing stops the making of user namespaces. */
  readonly hasUserNamespaces: boolean;
  /** `/proc/sys/net` can be written to. */
  readonly hasOpenSettings: boolean;
}

export function advise({
  capabilities,
  hasVsock,
  hasUserNamespaces,
  hasOpenSettings,
}: Surroundings): readonly string[] {
  return [
    ...(capabilities.bounding.has(Capability.netRaw)
      ? [
          "CAP_NET_RAW can be had here: run the workload without it (--cap-drop NET_RAW), few programs need it",
        ]
      : []),
    ...(hasVsock
      ? [
          "AF_VSOCK sockets can be made, which no packet filter sees: keep the runtime's default seccomp profile",
        ]
      : []),
    ...(hasUserNamespaces
      ? [
          "user namespaces can be made: they lead nowhere, but show more of the kernel; refuse them by seccomp",
        ]
      : []),
    ...(hasOpenSettings
      ? [
          "the network's settings can be changed by files of /proc/sys/net: mount /proc/sys read-only, as runtimes do unless told otherwise",
        ]
      : []),
  ];
}
