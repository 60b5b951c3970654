/** The network of one run: a namespace, a link to the machine, and the machine's side of it. All of it is undone by the stack given. */
import { randomBytes } from "node:crypto";
import { requireCommand } from "../../../netns/command.ts";
import {
  createNamespace,
  HERE,
  type OwnedNamespace,
  readSysctl,
  sweepNamespaces,
} from "../../../netns/namespace.ts";
import { configure, writeResolvConf } from "../../../netns/namespace.ts";
import { createVethPair } from "../../../netns/veth.ts";
import { NoSubnetError } from "../errors.ts";
import { numberOf, parseObjects, stringOf } from "../json.ts";
import { forwardDroppers, openMachineNetwork } from "./machine-network.ts";
import { chooseSubnet, type Subnet } from "./subnet.ts";

export interface RunNetworkOptions {
  /** Literal addresses, so that the subnet does not hide one of them. */
  readonly upstreams: readonly string[];
  readonly ipv6: boolean;
  /** The lines of the machine's resolv.conf besides `nameserver`. */
  readonly resolverOptions: string;
  readonly announce: (text: string) => void;
}

/** Whether the machine forwards IPv6 already and has somewhere to send it; a run never switches that on. */
export async function machineRoutesIpv6(): Promise<boolean> {
  if ((await readSysctl(HERE, "net.ipv6.conf.all.forwarding")) !== "1") return false;
  return (await listRoutes("-6")).some(({ destination }) => destination === "default");
}

/** Makes the namespace, joined to the machine's network. Throws `ToolError` or `NoSubnetError`. */
export async function createRunNetwork(
  undo: AsyncDisposableStack,
  options: RunNetworkOptions,
): Promise<OwnedNamespace> {
  await sweepNamespaces();
  const routes = await listRoutes("-4");
  const routed = routes.flatMap(({ destination }) => (destination === "default" ? [] : [destination]));
  const subnet = chooseSubnet(
    [...routed, ...options.upstreams.filter((address) => !address.includes(":"))],
    process.pid,
  );
  if (subnet === undefined)
    throw new NoSubnetError("no private subnet is free: the machine's routes take them all");
  const ula = options.ipv6 ? randomUla() : undefined;
  const device = `egr${process.pid}`;

  const machine = { prefixes: [subnet.cidr, ...(ula === undefined ? [] : [`${ula}::/64`])], device };
  undo.use(await openMachineNetwork({ ...machine, announce: options.announce }));
  for (const chain of await forwardDroppers()) {
    options.announce(`this machine's firewall drops forwarded packets unless a rule accepts them (nft chain ${chain}, as
  Docker sets it): if nothing can be reached, accept ${subnet.cidr} there for the time of the run`);
  }
  const namespace = undo.use(await createNamespace("run"));
  undo.use(await joinMachine(namespace, { subnet, ula, device, mtu: await machineMtu(routes) }));
  const search = options.resolverOptions === "" ? "" : `${options.resolverOptions}\n`;
  undo.use(await writeResolvConf(namespace, `nameserver 127.0.0.1\n${search}`));
  return namespace;
}

interface Link {
  readonly subnet: Subnet;
  readonly ula: string | undefined;
  readonly device: string;
  readonly mtu: number | undefined;
}

async function joinMachine(
  namespace: OwnedNamespace,
  { subnet, ula, device, mtu }: Link,
): Promise<AsyncDisposable> {
  const pair = await createVethPair(
    {
      namespace: HERE,
      device,
      addresses: [`${subnet.machine}/30`, ...(ula === undefined ? [] : [`${ula}::1/64`])],
    },
    {
      namespace,
      device: "eth0",
      addresses: [`${subnet.inside}/30`, ...(ula === undefined ? [] : [`${ula}::2/64`])],
      routes: [
        `route add default via ${subnet.machine}`,
        ...(ula === undefined ? [] : [`route add default via ${ula}::1`]),
      ],
    },
  );
  // Packets that fit the link but not the way out would need ICMP to come back; some networks drop it.
  if (mtu !== undefined) await configure(namespace, [`link set eth0 mtu ${mtu}`]);
  return pair;
}

interface Route {
  /** `default`, an address or a prefix. */
  readonly destination: string;
  readonly device: string | undefined;
}

async function listRoutes(family: "-4" | "-6"): Promise<readonly Route[]> {
  const text = await requireCommand(["ip", "-j", family, "route", "show", "table", "all"]);
  return parseObjects(text).flatMap((route) => {
    const destination = stringOf(route, "dst");
    return destination === undefined ? [] : [{ destination, device: stringOf(route, "dev") }];
  });
}

async function machineMtu(routes: readonly Route[]): Promise<number | undefined> {
  const { device } = routes.find(({ destination }) => destination === "default") ?? {};
  if (device === undefined) return undefined;
  return numberOf(parseObjects(await requireCommand(["ip", "-j", "link", "show", "dev", device]))[0], "mtu");
}

/** 48 bits of an RFC 4193 prefix with a random global id, subnet 0: `fdxx:xxxx:xxxx:0`. */
function randomUla(): string {
  const hex = randomBytes(5).toString("hex");
  return `fd${hex.slice(0, 2)}:${hex.slice(2, 6)}:${hex.slice(6, 10)}:0`;
}
