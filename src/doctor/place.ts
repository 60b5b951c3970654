/** Where the doctor is: what its attempts need to know of this network namespace. */
import { randomBytes, randomInt } from "node:crypto";
import type { Family } from "./finding.ts";
import type { Watch } from "./io/watch.ts";
import type { Device } from "./device.ts";

export interface Place {
  readonly watch: Watch;
  /** All interfaces but lo. */
  readonly devices: readonly Device[];
  /** The address that packets to the outside have as their source; `undefined` if there is no route. */
  readonly own: Readonly<Record<Family, string | undefined>>;
  /** Resolvers that resolv.conf names. */
  readonly nameservers: readonly string[];
  readonly apiPort: number;
  /** Addresses of the operator's own to aim at, in place of those that are kept for documentation. */
  readonly canaries: readonly string[];
  /** One that the policy allows, whose addresses are open. */
  readonly allowedName: string | undefined;
}

export const FAMILIES: readonly Family[] = ["IPv4", "IPv6"];

/**
 * An address that no policy allows by accident: the operator's, or another one each time of 203.0.113.0/24
 * and 2001:db8:ffff::/48.
 */
export function deniedAddress({ canaries }: Place, family: Family): string {
  const chosen = canaries.find((address) => address.includes(":") === (family === "IPv6"));
  if (chosen !== undefined) return chosen;
  if (family === "IPv4") return `203.0.113.${randomInt(1, 255)}`;
  return `2001:db8:ffff:${drawGroup()}::${drawGroup()}`;
}

function drawGroup(): string {
  return randomInt(1, 0xffff).toString(16);
}

/**
 * Resolvers that are there for documentation only: a host that answers in their name is between us and them.
 */
export const DOCUMENTED_RESOLVERS: readonly string[] = ["192.0.2.53", "198.51.100.53", "2001:db8:ffff::53"];

export function familyOf(address: string): Family {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** Octets by which an attempt is known on the wire. */
export function drawToken(): Buffer {
  return randomBytes(16);
}
