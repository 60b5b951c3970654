/**
 * The network of one run: its namespace, a link to the machine, and the machine's side of it. All of it is
 * undone by the steps given.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { NetlinkError } from "../../../netlink/errors.ts";
import {
  addAddress,
  addDefaultRoute,
  addVeth,
  deleteLink,
  setLinkUp,
} from "../../../netlink/link-messages.ts";
import type { SizedLink, TableRoute } from "../../../netlink/route-table.ts";
import { openTables } from "../../../netfilter/io/tables.ts";
import { openRouteSocket, type RouteSocket } from "../../../netns/route-socket.ts";
import { parseAddress, renderAddress } from "../../../policy/address.ts";
import { SystemCallError } from "../../../sys/errors.ts";
import { inNamespace } from "../../../sys/network-namespace.ts";
import { drawHex } from "../../../sys/random.ts";
import { NetworkSetupError, NoSubnetError, kernelRefuses } from "../errors.ts";
import { type Kernel, openMachineNetwork, sweepMachine } from "./machine-network.ts";
import { sweepRunFolders } from "./run-folder.ts";
import { claimRun, deviceOf, lockMachine, runOf } from "./signs.ts";
import { chooseSubnet } from "./subnet.ts";
import type { UndoSteps } from "./undo-steps.ts";

export interface RunNetworkOptions {
  readonly id: string;
  /** Literal addresses, so that the subnet does not hide one of them. */
  readonly upstreams: readonly string[];
  readonly ipv6: boolean;
  /** Where the folders of runs are. */
  readonly place: string;
  /** An open file of the namespace, which has nothing in it yet. */
  readonly namespace: number;
  readonly announce: (text: string) => void;
}

/** The network namespace of a run. It has no name, and ends with its processes. */
export interface RunNamespace {
  /** Does one synchronous step in it, such as starting a program. */
  enter<T>(step: () => T): T;
}

export interface RunNetwork extends RunNamespace {
  /** What a firewall sees the run's packets come from: 4 or 16 octets each. */
  readonly addresses: readonly Uint8Array[];
}

/** Tells runs apart, in the names of all that they make. */
export function drawRunId(): string {
  return drawHex(4);
}

/** Whether the machine forwards IPv6 already and has somewhere to send it; a run never switches that on. */
export function machineRoutesIpv6(): boolean {
  const setting = "/proc/sys/net/ipv6/conf/all/forwarding";
  if (!existsSync(setting) || readFileSync(setting, "latin1").trim() !== "1") return false;
  return withRoutes((routes) => routes.routes().some(({ family, length }) => family === 6 && length <= 3));
}

/** Joins the namespace to the machine's network. Throws NetworkSetupError, NoSubnetError. */
export async function createRunNetwork(undo: UndoSteps, options: RunNetworkOptions): Promise<RunNetwork> {
  using _lock = await lockMachine();
  try {
    const kernel = { routes: openRouteSocket(), tables: openTables() };
    undo.step("close a socket", kernel.routes.close);
    undo.step("close a socket", kernel.tables.close);
    sweepMachine(kernel);
    sweepRunFolders(options.place);
    return makeNetwork(undo, kernel, options);
  } catch (error) {
    if (error instanceof NoSubnetError) throw error;
    throw new NetworkSetupError(explain(error), { cause: error });
  }
}

/** Removes what runs that have ended have left; says what, a phrase each. Throws NetworkSetupError. */
export async function sweepRuns(place: string): Promise<readonly string[]> {
  using _lock = await lockMachine();
  try {
    const tables = openTables();
    const swept = withRoutes((routes) => sweepMachine({ routes, tables }));
    tables.close();
    return [...swept, ...sweepRunFolders(place).map((path) => `folder ${path}`)];
  } catch (error) {
    throw new NetworkSetupError(explain(error), { cause: error });
  }
}

function makeNetwork(undo: UndoSteps, kernel: Kernel, options: RunNetworkOptions): RunNetwork {
  const { routes } = kernel;
  const { id, namespace, announce } = options;
  const sign = claimRun(id);
  if (sign === undefined) throw new NetworkSetupError(`another run has the id ${id}`);
  undo.step("take down the run's sign", () => sign[Symbol.dispose]());
  const links = routes.links().filter(({ name }) => name !== "lo" && runOf(name) === undefined);
  const table = routes.routes();
  const ends = chooseEnds(table, options);
  const device = { index: indexOf(id), name: deviceOf(id) };
  const peer = { peerName: "eth0", peerIndex: INSIDE_LINK, peerNamespace: namespace };
  const pair = { ...device, ...peer, mtu: chooseMtu(links, table) };
  routes.change((writer, next) => addVeth(writer, next(), pair));
  undo.step(`remove interface ${device.name}`, () => {
    routes.change((writer, next) => deleteLink(writer, next(), device.index));
  });
  routes.change((writer, next) => {
    setLinkUp(writer, next(), device.index);
    for (const { machine, length } of ends)
      addAddress(writer, next(), { index: device.index, octets: machine, length });
  });
  inNamespace(namespace, () => furnish(ends));
  const addresses = ends.map(({ inside }) => inside);
  openMachineNetwork(undo, kernel, {
    id,
    addresses,
    device,
    waysOut: findWaysOut(links, table),
    announce,
  });
  return { addresses, enter: (step) => inNamespace(namespace, step) };
}

/** The addresses of both ends of the link, in one family. */
interface Ends {
  readonly machine: Uint8Array;
  readonly inside: Uint8Array;
  readonly length: number;
}

function chooseEnds(table: readonly TableRoute[], options: RunNetworkOptions): readonly Ends[] {
  const routed = table.flatMap(({ family, octets, length }) =>
    family === 6 || length === 0 ? [] : [`${renderAddress(octets)}/${length}`],
  );
  const upstreams = options.upstreams.filter((address) => !address.includes(":"));
  const subnet = chooseSubnet([...routed, ...upstreams], Number.parseInt(options.id, 16));
  if (subnet === undefined)
    throw new NoSubnetError("no private subnet is free: the machine's routes take them all");
  const v4 = { machine: octetsOf(subnet.machine), inside: octetsOf(subnet.inside), length: 30 };
  if (!options.ipv6) return [v4];
  const ula = randomUla();
  return [v4, { machine: octetsOf(`${ula}::1`), inside: octetsOf(`${ula}::2`), length: 64 }];
}

const INSIDE_LOOPBACK = 1;
const INSIDE_LINK = 2;

/** In the namespace: its loopback, its end of the link, and the way out. */
function furnish(ends: readonly Ends[]): void {
  quietIpv6();
  withRoutes((routes) =>
    routes.change((writer, next) => {
      for (const index of [INSIDE_LOOPBACK, INSIDE_LINK]) setLinkUp(writer, next(), index);
      for (const { inside, length } of ends)
        addAddress(writer, next(), { index: INSIDE_LINK, octets: inside, length });
      for (const { machine } of ends) addDefaultRoute(writer, next(), INSIDE_LINK, machine);
    }),
  );
}

/** No router solicitations: the link has one known far end. */
function quietIpv6(): void {
  if (!existsSync("/proc/sys/net/ipv6")) return;
  for (const scope of ["all", "default", "eth0"]) {
    for (const setting of ["accept_dad", "accept_ra", "router_solicitations"])
      writeFileSync(`/proc/sys/net/ipv6/conf/${scope}/${setting}`, "0");
  }
}

/**
 * Linux reports a carrier at once only if the ends' interface numbers differ (linkwatch_urgent_event).
 * Otherwise it takes up to a second, and IPv6 is deaf until then. So ours is a number that the namespace does
 * not have.
 */
function indexOf(id: string): number {
  return 1_000 + (Number.parseInt(id, 16) % (2 ** 31 - 1_001));
}

/** Interfaces that IPv4 is routed to: answers come in by them. */
function findWaysOut(links: readonly SizedLink[], table: readonly TableRoute[]): readonly SizedLink[] {
  const routed = new Set(table.flatMap(({ family, interfaces }) => (family === 4 ? interfaces : [])));
  return links.filter(({ index }) => routed.has(index));
}

/** A route as short as a VPN's two halves of everything. */
const WIDE = 8;
const ETHERNET_MTU = 1500;
const LARGEST_MTU = 65_535;

/**
 * The least of the ways out: packets that fit the link but not the way out would need ICMP to come back, and
 * some networks drop it.
 */
function chooseMtu(links: readonly SizedLink[], table: readonly TableRoute[]): number {
  const wide = new Set(table.flatMap(({ length, interfaces }) => (length <= WIDE ? interfaces : [])));
  const sizes = links.filter(({ index }) => wide.has(index)).map(({ mtu }) => mtu);
  return sizes.length === 0 ? ETHERNET_MTU : Math.min(...sizes, LARGEST_MTU);
}

/** 48 bits of an RFC 4193 prefix with a random global id, subnet 0: `fdxx:xxxx:xxxx:0`. */
function randomUla(): string {
  const hex = drawHex(5);
  return `fd${hex.slice(0, 2)}:${hex.slice(2, 6)}:${hex.slice(6, 10)}:0`;
}

function octetsOf(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if (!parsed.ok) throw new TypeError(`not an address: ${address}`);
  return parsed.value.octets;
}

function withRoutes<T>(use: (routes: RouteSocket) => T): T {
  const routes = openRouteSocket();
  try {
    return use(routes);
  } finally {
    routes.close();
  }
}

function explain(error: unknown): string {
  if (error instanceof NetlinkError || error instanceof SystemCallError) return kernelRefuses(error);
  return error instanceof Error ? error.message : String(error);
}
