/**
 * Runs in a namespace of its own. Each change is made by ip(8) while the event loop stands still, as one that
 * comes just before a policy change; says as JSON which of them were told, and what was read after each.
 */
import { execFileSync } from "node:child_process";
import { readNetwork } from "../../src/netfilter/io/namespace-network.ts";
import { watchNetwork } from "../../src/netfilter/io/network-watch.ts";
import { until } from "../support/until.ts";

const ip = (...words: string[]): void => void execFileSync("ip", words);
const batch = (lines: readonly string[]): void =>
  void execFileSync("ip", ["-batch", "-"], { input: lines.join("\n") });
/** Room for a few events. */
const LITTLE_ROOM = 4 << 10;

const CHANGES: Readonly<Record<string, () => void>> = {
  "an interface": () => ip("link", "add", "one0", "type", "veth", "peer", "two0"),
  "an interface up": () => batch(["link set one0 up", "link set two0 up"]),
  "an address": () => ip("address", "add", "192.0.2.2/24", "dev", "one0"),
  "an IPv6 address": () => ip("address", "add", "2001:db8::2/64", "dev", "one0"),
  "a route": () => ip("route", "add", "198.51.100.0/24", "via", "192.0.2.1", "table", "77"),
  "an IPv6 route": () => ip("route", "add", "2001:db8:1::/64", "via", "2001:db8::1"),
  "a nexthop object": () => ip("nexthop", "add", "id", "9", "via", "192.0.2.9", "dev", "one0"),
  "a route by it": () => ip("route", "add", "203.0.113.0/24", "nhid", "9"),
  "the nexthop object gone": () => ip("nexthop", "del", "id", "9"),
  "the address gone": () => ip("address", "del", "192.0.2.2/24", "dev", "one0"),
  "another interface of its name": () => batch(["link del one0", "link add one0 type veth peer two0"]),
  "many addresses": () =>
    batch(Array.from({ length: 200 }, (_, index) => `address add 203.0.113.${index}/32 dev one0`)),
};

let words = 0;
const watch = watchNetwork(() => (words += 1), { bufferOctets: LITTLE_ROOM });
const told: Record<string, boolean> = { "at first": watch.hasNews(), nothing: watch.hasNews() };
const read: Record<string, readonly string[]> = {};
for (const [name, change] of Object.entries(CHANGES)) {
  while (watch.hasNews());
  change();
  told[name] = watch.hasNews();
  const { links, withheld } = readNetwork();
  read[name] = [...links.map((link) => link.name), ...withheld];
}
await until("word of it comes, too", () => words > 0);
watch.close();
told["closed"] = watch.hasNews();
ip("link", "set", "one0", "up");
batch([
  ...Array.from(
    { length: 1500 },
    (_, n) => `route add 2001:db8:7:${n.toString(16)}::/64 dev one0 proto ${n % 2 === 0 ? "kernel" : "ra"}`,
  ),
  "route add 2001:db8:8::/64 dev one0",
]);
const onLink = readNetwork().onLinkV6;
const advertised = onLink.filter((prefix) => prefix.startsWith("2001:db8:7:")).length;
const isStaticThere = onLink.includes("2001:db8:8::/64");
process.stdout.write(JSON.stringify({ told, read, advertised, isStaticThere }));
