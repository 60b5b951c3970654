import { networkInterfaces } from "node:os";
import { parseAddress, renderAddress } from "../../policy/address.ts";

/** Says whether an address belongs to this network namespace: a loopback address, or one of an interface. */
export type IsLocalAddress = (address: string | undefined) => boolean;

/**
 * Looks the interfaces up each time, since they come and go; some 50 microseconds. IPv4-mapped forms count as IPv4. An address that
 * is not known (the peer is gone) or can't be read counts as local, which is the closed reading.
 */
export function isLocalAddress(address: string | undefined): boolean {
  const octets = readOctets(address);
  if (octets === undefined) return true;
  if (octets.length === 4 ? octets[0] === 127 : renderAddress(octets) === "::1") return true;
  const text = renderAddress(octets);
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((one) => canonical(one.address) === text),
  );
}

function canonical(address: string): string | undefined {
  const octets = readOctets(address);
  return octets === undefined ? undefined : renderAddress(octets);
}

function readOctets(address: string | undefined): Uint8Array | undefined {
  const parsed = parseAddress(address?.replace(/%.*$/, "") ?? "");
  return parsed.ok ? parsed.value.octets : undefined;
}
