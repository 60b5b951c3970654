/** AF_XDP: a socket that is bound to a queue sends past every hook. Bound is enough: nothing is sent. */
import { closeSocket } from "../../sys/socket.ts";
import { holdQueue } from "../../sys/xdp-socket.ts";
import type { Check } from "../check.ts";
import { endingOf, held, open, untried, type Verdict } from "../evidence.ts";
import type { Finding } from "../finding.ts";
import type { Device } from "../device.ts";

/** More than machines have processors in one container. */
const MOST_QUEUES = 256;

export const XDP: readonly Check[] = [
  {
    name: "AF_XDP socket",
    row: "21",
    needsRaw: true,
    run: ({ devices }) => Promise.resolve(devices.flatMap(tryQueues)),
  },
];

/** Queue by queue, until there is none of that number. */
function tryQueues(device: Device): readonly Finding[] {
  const findings: Finding[] = [];
  for (let queue = 0; queue < MOST_QUEUES; queue++) {
    const verdict = tryQueue(device, queue);
    if (verdict === "no such queue") break;
    findings.push({ what: `queue ${queue} of ${device.name}`, ...verdict });
    if (verdict.outcome === "untried") break;
  }
  return findings;
}

function tryQueue({ index }: Device, queue: number): Verdict | "no such queue" {
  const hold = holdQueue(index, queue);
  if (hold.ok) {
    closeSocket(hold.fd);
    return open("a socket could be bound: what it sends passes every hook");
  }
  const { call, code } = hold;
  if (call === "bind" && code === "EBUSY") return held("taken");
  if (call === "bind" && code === "EINVAL" && queue > 0) return "no such queue";
  const ending = endingOf(call, code);
  return untried(ending.kind === "impossible" ? ending.reason : `${call}: ${code}`);
}
