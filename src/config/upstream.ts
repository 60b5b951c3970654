import { parseAddress, renderAddress } from "../policy/address.ts";
import { quote } from "../policy/problem.ts";
import { Unreadable } from "./readers.ts";

/** An upstream resolver: a literal address in canonical form, and a port. */
export interface Upstream {
  readonly address: string;
  readonly port: number;
}

/** glibc reads three name servers and the original ten; more only lengthen the time until a lookup fails. */
export const MAX_UPSTREAMS = 10;

/** Reads `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`; the port is 53 when none is written. */
export function parseUpstream(text: string): Upstream | Unreadable {
  const match =
    /^\[(?<address>[^\]]+)\](?::(?<port>\d{1,5}))?$/.exec(text) ??
    /^(?<address>[^:[\]]+)(?::(?<port>\d{1,5}))?$/.exec(text) ??
    /^(?<address>[^[\]]+)$/.exec(text);
  const port = Number(match?.groups?.["port"] ?? 53);
  if (port < 1 || port > 65_535) return new Unreadable(`holds ${quote(text)}, whose port is out of range`);
  const address = canonicalAddress(match?.groups?.["address"] ?? "");
  return address === undefined ? new Unreadable(`holds ${quote(text)}`) : { address, port };
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
