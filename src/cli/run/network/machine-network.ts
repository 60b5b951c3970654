/**
 * What a run sets on the machine itself, and undoes: a masquerade table, forwarding of single interfaces, at
 * need a routing rule. It is known to be a run's by a random id; whether that run lives, by what the kernel
 * takes back with a process (`signs.ts`). So a run that was killed is told from one in another process
 * namespace, and the next run, or `egress run --clean`, removes what it has left.
 */
import { deleteLink } from "../../../netlink/link-messages.ts";
import type { Link } from "../../../netlink/rtnetlink.ts";
import type { RouteSocket } from "../../../netns/route-socket.ts";
import type { Tables } from "../../../netfilter/io/tables.ts";
import { renderAddress } from "../../../policy/address.ts";
import { forgetGoneNamespaces } from "./forwarding-memory.ts";
import { letForward, restoreForwarding, switchForwardingOn } from "./forwarding.ts";
import { bringBack, findLeftRules, leadsTo, removeRules } from "./policy-rule.ts";
import { findLiveRuns, lockMachine, runOf, tableOf } from "./signs.ts";
import type { UndoSteps } from "./undo-steps.ts";

/** The network namespace that the machine's things are in. */
export interface Kernel {
  readonly routes: RouteSocket;
  readonly tables: Tables;
}

export interface MachineNetworkOptions {
  readonly id: string;
  /** Addresses inside the run's namespace, IPv4 and, if it has one, IPv6: 4 or 16 octets. */
  readonly addresses: readonly Uint8Array[];
  /** The machine's end of the link into the namespace. */
  readonly device: Link;
  /** Interfaces that the machine reaches others by. */
  readonly waysOut: readonly Link[];
  readonly announce: (text: string) => void;
}

/**
 * Lets the addresses out into the machine's network. Call it under the machine's lock. Throws
 * SystemCallError, NetlinkError, Node's errors.
 */
export function openMachineNetwork(
  undo: UndoSteps,
  { routes, tables }: Kernel,
  { id, addresses, device, waysOut, announce }: MachineNetworkOptions,
): void {
  tables.masquerade(tableOf(id), addresses);
  undo.step(`remove nft table inet ${tableOf(id)}`, () => tables.remove(tableOf(id)));
  letForward(device.name);
  const forwarding = switchForwardingOn(tables, id, waysOut);
  undo.step("switch forwarding off again", async () => {
    forwarding.release();
    using _lock = await lockMachine();
    restoreForwarding(tables, findLiveRuns(), routes.links());
  });
  const shown = addresses.map((address) => renderAddress(address)).join(" and ");
  announce(`this machine now translates ${shown} (nft table inet ${tableOf(id)}), until the end`);
  for (const { name } of forwarding.links)
    announce(`this machine now forwards IPv4 that comes in by ${name}, until the last run has ended`);
  if (forwarding.unwritten !== undefined)
    announce(`that is remembered in nftables alone, as no file can be written: ${forwarding.unwritten}`);
  keepWayBack(undo, routes, { addresses, index: device.index, shown, announce });
}

interface WayBack extends Pick<MachineNetworkOptions, "addresses" | "announce"> {
  readonly index: number;
  readonly shown: string;
}

function keepWayBack(
  undo: UndoSteps,
  routes: RouteSocket,
  { addresses, index, shown, announce }: WayBack,
): void {
  if (leadsTo(routes, addresses, index)) return;
  bringBack(routes, addresses);
  undo.step(`remove the routing rule to ${shown}`, () => removeRules(routes, addresses));
  announce(
    leadsTo(routes, addresses, index)
      ? `routing rules of this machine, as a VPN sets them, lead past its main table: one to ${shown} stands before them, until the end`
      : `routing rules of this machine lead ${shown} elsewhere, so nothing may come back: see "ip rule"`,
  );
}

/**
 * Removes what runs that have ended have left in this network namespace; says what, a phrase each. Call it
 * under the machine's lock. Throws SystemCallError, NetlinkError, Node's errors.
 */
export function sweepMachine({ routes, tables }: Kernel): readonly string[] {
  const live = findLiveRuns();
  const isLeft = (name: string): boolean => {
    const id = runOf(name);
    return id !== undefined && !live.has(id);
  };
  const left = tables.list().filter(isLeft);
  for (const name of left) tables.remove(name);
  const links = routes.links().filter(({ name }) => isLeft(name));
  for (const { index } of links) routes.change((writer, next) => deleteLink(writer, next(), index));
  const rules = findLeftRules(routes);
  removeRules(routes, rules);
  const restored = restoreForwarding(tables, live, routes.links());
  return [
    ...left.map((name) => `nft table inet ${name}`),
    ...links.map(({ name }) => `interface ${name}`),
    ...rules.map((address) => `routing rule to ${renderAddress(address)}`),
    ...restored.map((name) => `forwarding of IPv4 by ${name}`),
    ...forgetGoneNamespaces().map((path) => `file ${path}`),
  ];
}
