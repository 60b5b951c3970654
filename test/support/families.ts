/** The lab's places in each address family, so that one test speaks of both. */
import type { TestContext } from "vitest";
import {
  INTERNET_V4,
  INTERNET_V6,
  type Lab,
  OTHER_RESOLVER_V4,
  OTHER_RESOLVER_V6,
  SANDBOX_V4,
  SANDBOX_V6,
} from "./lab.ts";
import { skipBecause } from "./skip.ts";

export interface Family {
  readonly name: "IPv4" | "IPv6";
  /** curl's option. */
  readonly flag: "-4" | "-6";
  readonly qtype: "A" | "AAAA";
  readonly set: "v4" | "v6";
  readonly sandbox: string;
  readonly upstream: string;
  readonly otherResolver: string;
  /** Addresses of the names of `DEFAULT_ZONE`. */
  readonly one: string;
  readonly two: string;
  readonly wild: string;
  /** An address that no name has. */
  readonly nameless: string;
}

export const FAMILIES: readonly Family[] = [
  {
    name: "IPv4",
    flag: "-4",
    qtype: "A",
    set: "v4",
    sandbox: SANDBOX_V4,
    upstream: INTERNET_V4,
    otherResolver: OTHER_RESOLVER_V4,
    one: "198.51.100.1",
    two: "198.51.100.2",
    wild: "198.51.100.20",
    nameless: "203.0.113.200",
  },
  {
    name: "IPv6",
    flag: "-6",
    qtype: "AAAA",
    set: "v6",
    sandbox: SANDBOX_V6,
    upstream: INTERNET_V6,
    otherResolver: OTHER_RESOLVER_V6,
    one: "2001:db8:100::1",
    two: "2001:db8:100::2",
    wild: "2001:db8:100::20",
    nameless: "2001:db8:100:f0::200",
  },
];

export function skipWithoutFamily(context: TestContext, lab: Lab, family: Family): void {
  if (family.name === "IPv6" && !lab.ipv6) skipBecause(context, "this machine has no IPv6");
}

/** An address as it stands in a URL. */
export function urlOf(address: string, path = "/"): string {
  return address.includes(":") ? `http://[${address}]${path}` : `http://${address}${path}`;
}
