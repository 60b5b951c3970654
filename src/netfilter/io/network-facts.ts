/** Interfaces and prefixes of the network namespace, from ip(8). */
import type { NetworkFacts } from "../ruleset-input.ts";
import { runTool, type Tool } from "./run-tool.ts";

/** Facts of this instant: interfaces and addresses come and go. Throws KernelError. */
export async function readNetworkFacts(ip: Tool = ["ip"]): Promise<NetworkFacts> {
  const [links, routesV4, routesV6] = await Promise.all([
    readList(ip, ["-j", "address", "show"]),
    readList(ip, ["-j", "-4", "route", "show"]),
    readList(ip, ["-j", "-6", "route", "show"]),
  ]);
  const addresses = links.filter(isNotLoopback).flatMap(addressesOf);
  const prefixes = (family: string): readonly string[] =>
    addresses.filter((address) => address["family"] === family).flatMap(prefixOf);
  return {
    interfaces: links
      .filter(isNotLoopback)
      .flatMap(({ ifname }) => (typeof ifname === "string" ? [ifname] : [])),
    onLinkV4: [...new Set([...prefixes("inet"), ...routesV4.flatMap(onLinkRoute)])],
    onLinkV6: [...new Set([...prefixes("inet6"), ...routesV6.flatMap(onLinkRoute)])],
    ipv6: links.flatMap(addressesOf).some(({ family }) => family === "inet6"),
  };
}

type Item = Readonly<Record<string, unknown>>;

async function readList(ip: Tool, args: readonly string[]): Promise<readonly Item[]> {
  const text = (await runTool(ip, args)).trim();
  const parsed: unknown = text === "" ? [] : JSON.parse(text);
  return Array.isArray(parsed) ? parsed.filter(isItem) : [];
}

function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null;
}

function isNotLoopback({ ifname }: Item): boolean {
  return ifname !== "lo";
}

function addressesOf({ addr_info: addresses }: Item): readonly Item[] {
  return Array.isArray(addresses) ? addresses.filter(isItem) : [];
}

function prefixOf({ local, prefixlen }: Item): readonly string[] {
  return typeof local === "string" && typeof prefixlen === "number" ? [`${local}/${prefixlen}`] : [];
}

/** A route without a gateway has its addresses on the link. A default route of that kind proves nothing. */
function onLinkRoute({ dst, gateway, via, nexthops, type, dev }: Item): readonly string[] {
  const direct = gateway === undefined && via === undefined && nexthops === undefined && type === undefined;
  return direct && dev !== "lo" && typeof dst === "string" && dst !== "default" ? [dst] : [];
}
