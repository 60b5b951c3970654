import { isIP } from "node:net";
import { parseResolvConf } from "../../../src/config/resolv-conf.ts";
import { MAX_UPSTREAMS } from "../../../src/config/upstream.ts";
import { parseAddress } from "../../../src/policy/address.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const WORDS = [
  "nameserver",
  " ",
  "\t",
  "\n",
  "\r\n",
  "192.0.2.1",
  "2001:db8::1",
  "fe80::1%eth0",
  "2001:db8::2%eth0",
  "fe80::2",
  "::ffff:192.0.2.9",
  "#",
  ";",
  ":53",
  "[::1]",
  "search x",
  "0",
] as const;

/**
 * A file that the workload may write: what is taken from it are addresses that stand in it, on port 53, ten
 * at most.
 */
export const resolvConf: Target = {
  name: "resolv-conf",
  seeds: "resolv-conf",
  make: (random) => Buffer.from(Array.from({ length: random.below(60) }, () => word(random)).join("")),
  open: async () => plainChecker((input) => check(input.toString("utf8"))),
};

function word(random: Random): string {
  return random.once(3) ? `nameserver ${random.pick(WORDS)}\n` : random.pick(WORDS);
}

function check(text: string): string {
  const upstreams = parseResolvConf(text);
  const written = new Set(text.split(/[\s#;]+/).flatMap((piece) => keyOf(piece) ?? []));
  if (upstreams.length > MAX_UPSTREAMS) throw new Error(`${upstreams.length} upstreams`);
  for (const { address, port } of upstreams) {
    const key = keyOf(address);
    if (key === undefined || port !== 53) throw new Error(`took ${address} port ${port}`);
    if (!written.has(key)) throw new Error(`${address} is not written there`);
  }
  return upstreams.length === 0 ? "none" : "some";
}

/**
 * An address by its octets; a link-local one with its interface, which no other may have (RFC 4007 section
 * 11).
 */
function keyOf(text: string): string | undefined {
  const [address = "", zone, ...more] = text.split("%");
  const parsed = isIP(address) === 0 ? undefined : parseAddress(address);
  if (parsed?.ok !== true || more.length > 0) return undefined;
  const { octets } = parsed.value;
  const isLinkLocal = octets.length === 16 && octets[0] === 0xfe && ((octets[1] ?? 0) & 0xc0) === 0x80;
  if (zone !== undefined && !isLinkLocal) return undefined;
  return `${Buffer.from(octets).toString("hex")} ${zone ?? ""}`;
}
