/**
 * Routing rules that stand before the main table, such as those of a VPN, may take away what is meant for a
 * run: its small network is in the main table. A rule `to ADDRESS lookup main` before all of them brings it
 * back, for the time of the run.
 */
import { addRule, deleteRule } from "../../../netlink/link-messages.ts";
import type { RouteSocket } from "../../../netns/route-socket.ts";

/** Behind the local table's rule, at 0. */
const PRIORITY = 1;
/** Marks the rules of runs, as RTPROT_* mark those of routing daemons (linux/rtnetlink.h). */
const PROTOCOL = 213;

/** Whether packets of this machine's to all the addresses leave by the interface. */
export function leadsTo(routes: RouteSocket, addresses: readonly Uint8Array[], index: number): boolean {
  return addresses.every((address) => routes.wayTo(address) === index);
}

export function bringBack(routes: RouteSocket, addresses: readonly Uint8Array[]): void {
  for (const destination of addresses)
    routes.change((writer, next) => addRule(writer, next(), ruleTo(destination)));
}

export function removeRules(routes: RouteSocket, addresses: readonly Uint8Array[]): void {
  for (const destination of addresses)
    routes.change((writer, next) => deleteRule(writer, next(), ruleTo(destination)));
}

/**
 * Destinations of rules whose run is over: the machine has no interface any more with the address before it,
 * which is its own end.
 */
export function findLeftRules(routes: RouteSocket): readonly Uint8Array[] {
  const own = new Set(routes.addresses().map(({ octets }) => octets.toString("hex")));
  return routes
    .rules()
    .filter(({ priority, protocol }) => priority === PRIORITY && protocol === PROTOCOL)
    .map(({ destination }) => destination)
    .filter((destination) => !own.has(ownEndOf(destination)));
}

function ownEndOf(destination: Uint8Array): string {
  const octets = Buffer.from(destination);
  const last = octets.length - 1;
  octets[last] = (octets[last] ?? 0) - 1;
  return octets.toString("hex");
}

function ruleTo(destination: Uint8Array): Parameters<typeof addRule>[2] {
  return { destination, priority: PRIORITY, protocol: PROTOCOL };
}
