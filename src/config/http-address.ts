import { isIP } from "node:net";
import { parseAddress, renderAddress } from "../policy/address.ts";

/** Where callers find the API. `host: undefined` is every address, of IPv6 and IPv4. */
export interface HttpAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * Reads `:18080`, `127.0.0.1:18080`, `[::1]:18080` or `localhost:18080`; undefined when it is none of these.
 * `[::]:18080` is the same as `:18080`, as in Go's `net.Listen`. Other host names are refused: which address
 * one means is not known before the resolver runs; so are the resolver's ports.
 */
export function parseHttpAddress(text: string): HttpAddress | undefined {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/.exec(text);
  if (match?.groups === undefined) return undefined;
  const port = Number(match.groups["port"]);
  if (port < 1 || port > 65_535 || RESOLVER_PORTS.has(port)) return undefined;
  const v6 = match.groups["v6"];
  if (v6 !== undefined) return isIP(v6) === 6 ? { host: canonicalHost(v6), port } : undefined;
  const host = match.groups["host"] ?? "";
  if (host === "") return { host: undefined, port };
  if (host === "localhost") return { host: "127.0.0.1", port };
  return isIP(host) === 4 ? { host, port } : undefined;
}

/** Lookups are redirected from the one to the other. */
const RESOLVER_PORTS: ReadonlySet<number> = new Set([53, 15_353]);

/** Callers at an IPv4-mapped address come over IPv4. One with a zone stays as it is. */
function canonicalHost(v6: string): string | undefined {
  const address = parseAddress(v6);
  const host = address.ok ? renderAddress(address.value.octets) : v6;
  return host === "::" ? undefined : host;
}
