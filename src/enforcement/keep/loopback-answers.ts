/**
 * Whether answers can be forged on `lo`: a workload with CAP_NET_RAW sees lookups there, and shares the
 * resolver's address, so that nothing in a packet tells its answer from the resolver's.
 *
 * Thought through, and not enough: to tell packets of raw sockets by their whole checksum, where the kernel
 * leaves that of its own UDP sockets open on `lo` (a plain socket may send from another local address by
 * IP_PKTINFO); to ask over TCP (segments are forged as well); to wait for a second answer (nobody knows how
 * long); the sender's user or group (both are root); its control group (a container does not see the
 * resolver's).
 */
import { isLoopback } from "../../netfilter/chains/endpoints.ts";
import { splitZone } from "../../policy/address.ts";
import type { Protections } from "../../protections/protections.ts";
import type { Endpoint } from "../../sys/socket-address.ts";

/**
 * Reports the protection `loopback-answers`. What is sent to an address of the sandbox's own (`own`) goes
 * over `lo`, too.
 */
export function reportLoopbackAnswers(
  upstreams: readonly Endpoint[],
  own: readonly string[],
  protections: Pick<Protections, "report">,
): void {
  const addresses = upstreams.map(({ address }) => splitZone(address).address);
  const found = addresses.filter((address) => isLoopback(address) || own.includes(address));
  if (found.length === 0) {
    protections.report("loopback-answers", { state: "on" });
    return;
  }
  const reason = `a workload with CAP_NET_RAW may forge the answers of ${[...new Set(found)].join(", ")}, and with them open any address for an allowed name`;
  protections.report("loopback-answers", { state: "off", reason });
}
