import { parseAddress, renderAddress, splitZone } from "../policy/address.ts";
import { quote } from "../policy/problem.ts";
import { Unreadable } from "./readers.ts";

/**
 * An upstream resolver: a literal address in canonical form (a link-local one with its interface, as in
 * `fe80::1%eth0`), and a port.
 */
export interface Upstream {
  readonly address: string;
  readonly port: number;
}

/** glibc reads three name servers and the original ten; more only lengthen the time until a lookup fails. */
export const MAX_UPSTREAMS = 10;

/**
 * Reads `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`, and `fe80::1%eth0`
 * likewise; the port is 53 when none is written.
 */
export function parseUpstream(text: string): Upstream | Unreadable {
  const match =
    /^\[(?<address>[^\]]+)\](?::(?<port>\d{1,5}))?$/.exec(text) ??
    /^(?<address>[^:[\]]+)(?::(?<port>\d{1,5}))?$/.exec(text) ??
    /^(?<address>[^[\]]+)$/.exec(text);
  const port = Number(match?.groups?.["port"] ?? 53);
  if (port < 1 || port > 65_535) return new Unreadable(`holds ${quote(text)}, whose port is out of range`);
  const address = scopedAddress(match?.groups?.["address"] ?? "");
  if (address === undefined) return new Unreadable(`holds ${quote(text)}`);
  if (address === NO_INTERFACE)
    return new Unreadable(`holds ${quote(text)}, which needs its interface: fe80::1%eth0`);
  return { address, port };
}

const NO_INTERFACE = Symbol("a link-local address that is on every link");
/** As the kernel takes it (`dev_valid_name`), less what nft(8) cannot quote. */
const INTERFACE = /^[^\s/:"\\%]{1,15}$/;

function scopedAddress(text: string): string | typeof NO_INTERFACE | undefined {
  const { address, zone } = splitZone(text);
  const canonical = canonicalAddress(address);
  if (canonical === undefined || !isLinkLocal(canonical)) return zone === undefined ? canonical : undefined;
  if (zone === undefined) return NO_INTERFACE;
  return INTERFACE.test(zone) ? `${canonical}%${zone}` : undefined;
}

/** In fe80::/10. */
function isLinkLocal(canonical: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(canonical);
}

/** A literal address without a port, in canonical form. */
export function parseLiteralAddress(text: string): string | Unreadable {
  return canonicalAddress(text) ?? new Unreadable(`holds ${quote(text)}`);
}

export function upstreamKey(upstream: Upstream): string {
  return `${upstream.address} ${upstream.port}`;
}

function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address.ok ? renderAddress(address.value.octets) : undefined;
}
