/** Joins two network namespaces by a veth pair (veth(4)). */
import { randomInt } from "node:crypto";
import { requireCommand, runCommand } from "./command.ts";
import { configure, type NetworkNamespace } from "./namespace.ts";

export interface VethEnd {
  readonly namespace: NetworkNamespace;
  /** Interface name, up to 15 characters, unique in its namespace. */
  readonly device: string;
  /** With prefix length, both families: `192.0.2.1/24`, `2001:db8::1/64`. Usable at once. */
  readonly addresses: readonly string[];
  /** Further `ip` subcommands once the link is up, such as `route add default via 192.0.2.1`. */
  readonly routes?: readonly string[];
}

/** Makes the pair, addresses and routes included. Disposing removes both ends. */
export async function createVethPair(one: VethEnd, other: VethEnd): Promise<AsyncDisposable> {
  const near = one.namespace.name === undefined ? [] : ["netns", one.namespace.name];
  // Named even when it is ours: with `netns` on the first side only, ip would put both there.
  const far = other.namespace.name ?? String(process.pid);
  // Linux reports a carrier at once only if both ends' interface numbers differ (linkwatch_urgent_event).
  // Otherwise it takes up to a second, and IPv6 is deaf until then; in two fresh namespaces both would be 2.
  const index = String(randomInt(1_000, 2 ** 31 - 1));
  const args = [
    one.device,
    "index",
    index,
    ...near,
    "type",
    "veth",
    "peer",
    "name",
    other.device,
    "netns",
    far,
  ];
  await requireCommand(["ip", "link", "add", ...args]);
  const pair = { [Symbol.asyncDispose]: () => removeLink(one) };
  try {
    await configure(one.namespace, addressLines(one));
    await configure(other.namespace, addressLines(other));
    await configure(one.namespace, one.routes ?? []);
    await configure(other.namespace, other.routes ?? []);
    return pair;
  } catch (error) {
    await pair[Symbol.asyncDispose]();
    throw error;
  }
}

function addressLines(end: VethEnd): readonly string[] {
  return [
    ...end.addresses.map(
      (address) => `addr add ${address} dev ${end.device}${address.includes(":") ? " nodad" : ""}`,
    ),
    `link set ${end.device} up`,
  ];
}

async function removeLink(end: VethEnd): Promise<void> {
  const inside = end.namespace.name === undefined ? [] : ["-n", end.namespace.name];
  await runCommand(["ip", ...inside, "link", "delete", end.device], { ownSession: true }); // gone already with a namespace: fine
}
