/** What nobody has to send a packet for: powers over the rules, and over the policy. */
import { Capability, type Capabilities } from "../../sys/capabilities.ts";
import { held, open, untried } from "../evidence.ts";
import type { Finding } from "../finding.ts";

/** By each of these the rules can be removed, or left. */
const POWERS: Readonly<Record<string, number>> = {
  CAP_NET_ADMIN: Capability.netAdmin,
  CAP_SYS_ADMIN: Capability.sysAdmin,
  CAP_SYS_MODULE: Capability.sysModule,
  CAP_BPF: Capability.bpf,
};

export interface Standing {
  readonly capabilities: Capabilities;
  /** The sidecar's unix socket can be opened from here. */
  readonly reachesSocket: boolean;
  /** The process that runs the doctor is not the workload, and its own powers say nothing about it. */
  readonly isOperator: boolean;
}

/**
 * In the sidecar's own container both the socket and the capability are there; in no workload's should either
 * be.
 */
export function isOperatorsPlace({ capabilities, reachesSocket }: Omit<Standing, "isOperator">): boolean {
  return reachesSocket && capabilities.bounding.has(Capability.netAdmin);
}

export function judgePowers({ capabilities, reachesSocket, isOperator }: Standing): readonly Finding[] {
  if (isOperator) return [{ what: "powers", ...untried("this is the operator's place, not the workload's") }];
  const had = Object.entries(POWERS).filter(([, number]) => capabilities.bounding.has(number));
  const names = had.map(([name]) => name);
  return [
    {
      what: "capabilities",
      ...(names.length === 0
        ? held("none")
        : open(`${names.join(", ")}: a process here can remove the rules`)),
    },
    {
      what: "the sidecar's socket",
      ...(reachesSocket ? open("a process here can change the policy by it") : held("out of reach")),
    },
  ];
}
