/**
 * What our objects in the kernel are called. Operators and scripts know the table, the chain `egress` and the
 * sets by name.
 */
import type { Family } from "./ruleset.ts";

export const TABLE = "opensandbox";
export const ARP_TABLE = "opensandbox_arp";
export const GUARD_TABLE = "opensandbox_guard";
/** Made and owned by the process that serves the API: it is none of the ruleset's tables. */
export const API_TABLE = "opensandbox_api";
/**
 * Leads flows to the interceptor. Made and owned by the process that intercepts: it is none of the ruleset's
 * tables.
 */
export const INTERCEPT_TABLE = "opensandbox_intercept";
/**
 * Closes interfaces to come. Made over netlink, since nft(8) cannot write it: it is none of the ruleset's
 * tables.
 */
export const DOOR_TABLE = "opensandbox_door";
/** Holds what the door holds, while the door is rewritten. */
export const DOOR_STAND_IN = "opensandbox_door_stand_in";

/** Counts connections that were refused on their way out. It outlives rules, generations and the sidecar. */
export const REFUSED_COUNTER = "refused_connections";
/** Counts connections that audit mode has let through. */
export const AUDITED_COUNTER = "audited_connections";
/** The prefixes by which the kernel's reports are told apart. */
export const AUDITED_PREFIX = "audited";
/** The group of nfnetlink_log for these reports. Each network namespace has its own groups. */
export const REFUSED_GROUP = 15_353;
/** Queues of packets that show a name: one for flows of which nothing has passed, one for the others. */
export const NAMES_QUEUE = 15_353;
export const NAMES_BEGUN_QUEUE = 15_354;

/** Everything of the ruleset. Whatever is in no table of ours is somebody else's and is never touched. */
export const OUR_TABLES: readonly { readonly family: Family; readonly name: string }[] = [
  { family: "inet", name: TABLE },
  { family: "arp", name: ARP_TABLE },
  { family: "netdev", name: GUARD_TABLE },
];

/** All that a sidecar makes, by name. */
export const EVERY_TABLE: ReadonlySet<string> = new Set([
  ...OUR_TABLES.map(({ name }) => name),
  API_TABLE,
  INTERCEPT_TABLE,
  DOOR_TABLE,
  DOOR_STAND_IN,
]);

/** An interface has a guard chain of its own: a base chain cannot exchange its devices in place. */
export function guardChainName(device: string): string {
  if (/^[A-Za-z0-9_.-]+$/.test(device)) return `egress_${device}`;
  return `egress-hex_${Buffer.from(device).toString("hex")}`;
}

/** The interface of a guard chain; `undefined` for other names. */
export function guardedDevice(chain: string): string | undefined {
  const [, kind = "", rest = ""] = /^egress(-hex)?_(.+)$/.exec(chain) ?? [];
  if (rest === "") return undefined;
  return kind === "" ? rest : Buffer.from(rest, "hex").toString();
}

/** The comment of an upstream that a setting names; one of resolv.conf has none. */
export const FROM_SETTING = "set by OPENSANDBOX_EGRESS_DNS_UPSTREAM";
