/**
 * What is wanted in the kernel, as data: tables with their sets, chains and rules, and changes to the learned
 * sets. It is the whole of what we keep there, not a difference; `renderRuleset` makes one nftables
 * transaction of it. It is not a model of nftables: a rule's statements are text as nft(8) writes them.
 */
import type { RangesOfKind } from "./ranges/policy-ranges.ts";
import type { ScopedRanges } from "./ranges/scoped-ranges.ts";

/** `dns`: lookups only. `dns+nft`: connections too. */
export type EnforcementMode = "dns" | "dns+nft";

export interface Ruleset {
  readonly mode: EnforcementMode;
  readonly generation: number;
  readonly tables: readonly Table[];
  /**
   * What it is loaded over, if that is not what the loader remembers. `found`: whatever the kernel holds.
   * `nothing`: our tables go and come in one transaction, for changes that cannot be made in place, such as a
   * set's type. Then sets hold only what the ruleset says.
   */
  readonly over?: "found" | "nothing";
  /** Made after the chains, in this order, in the same transaction. */
  readonly changes: readonly ElementChange[];
  /** Interfaces whose names nft(8) cannot be told, so that raw frames leave by them. */
  readonly unguarded: readonly string[];
}

export type Family = "inet" | "arp" | "netdev";

export interface Table {
  readonly family: Family;
  readonly name: string;
  readonly sets: readonly NamedSet[];
  readonly timeouts?: readonly FlowTimeouts[];
  /** Named counters, which keep counting whatever happens to the rules that name them. */
  readonly counters?: readonly string[];
  readonly chains: readonly Chain[];
}

export interface NamedSet {
  readonly name: string;
  /** Key type as nft(8) names it: `ipv4_addr . inet_service`. */
  readonly type: string;
  readonly flag?: "interval" | "timeout" | "interval,timeout" | "dynamic,timeout";
  readonly timeoutSeconds?: number;
  /** Elements that the kernel takes at most. */
  readonly size?: number;
  /** The set is to hold these and no others; if both lists are missing, the kernel keeps what it holds. */
  readonly elements?: readonly string[];
  readonly ranges?: RangesOfKind;
  /** The same, of addresses with protocols and ports. */
  readonly flowRanges?: ScopedRanges;
}

/**
 * How long conntrack remembers the flows to which a rule gives it, by their state; other states keep the
 * namespace's own times.
 */
export interface FlowTimeouts {
  readonly name: string;
  readonly protocol: "tcp" | "udp";
  readonly family: "ip" | "ip6";
  readonly seconds: Readonly<Record<string, number>>;
}

export interface Chain {
  readonly name: string;
  /** A base chain's place; without it other chains only jump to this one. */
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
  /** Its rules come and stay over netlink: the text declares the chain, and does not empty it. */
  readonly isFilledElsewhere?: true;
  /** The same as `rules`, if they are nothing but marks with the generation in them. */
  readonly ofGeneration?: readonly GenerationRule[];
}

/** `ct state established ct mark N`, `ct mark N` or `ct mark set N`, and `accept` or `goto CHAIN`. */
export interface GenerationRule {
  readonly kind: "established" | "match" | "set";
  readonly mark: number;
  /** `accept`, or the chain that it goes to. */
  readonly verdict: string;
}

export interface Hook {
  readonly type: "filter" | "nat";
  readonly name: "prerouting" | "input" | "forward" | "output" | "postrouting" | "egress";
  readonly priority: number;
  readonly policy: "accept" | "drop";
  /** In a netdev table the one interface that it is for. */
  readonly device?: string;
}

export interface Rule {
  readonly statements: string;
  /** For people who read `nft list table`; up to 128 octets, without quotes. */
  readonly comment?: string;
  /** It makes sense only together with the raw-frame guard. */
  readonly forGuard?: true;
  /** It names timeouts of its table. */
  readonly forTimeouts?: true;
  /** It hands packets to a listener. */
  readonly forLog?: true;
}

/** Single elements of a set that has no wanted whole. */
export interface ElementChange {
  readonly set: string;
  /** No effect if an element is not there. */
  readonly remove: readonly string[];
  /** Their timeouts start anew if they are there already. */
  readonly put: readonly TimedElement[];
}

export interface TimedElement {
  readonly address: string;
  /** If missing, the set's own. */
  readonly timeoutSeconds?: number;
  readonly comment?: string;
}

/** The same ruleset for a kernel that has no egress hook (before Linux 5.16): it does not stop raw frames. */
export function withoutGuard(ruleset: Ruleset): Ruleset {
  const tables = ruleset.tables
    .filter(({ family }) => family === "inet")
    .map((table) => withoutRules(table, ({ forGuard }) => forGuard === true));
  return { ...ruleset, tables };
}

/**
 * The same ruleset for a kernel without timeouts of flows (CONFIG_NF_CONNTRACK_TIMEOUT): conntrack then keeps
 * its own times.
 */
export function withoutTimeouts(ruleset: Ruleset): Ruleset {
  const tables = ruleset.tables.map(({ timeouts: _timeouts, ...table }) =>
    withoutRules(table, ({ forTimeouts }) => forTimeouts === true),
  );
  return { ...ruleset, tables };
}

/**
 * The same ruleset for a kernel that hands no packets out (CONFIG_NFT_LOG, CONFIG_NETFILTER_NETLINK_LOG): it
 * only counts them.
 */
export function withoutLog(ruleset: Ruleset): Ruleset {
  const tables = ruleset.tables.map((table) => withoutRules(table, ({ forLog }) => forLog === true));
  return { ...ruleset, tables };
}

export function hasLog({ tables }: Ruleset): boolean {
  return tables.some(({ chains }) => chains.some(({ rules }) => rules.some(({ forLog }) => forLog)));
}

export function hasTimeouts({ tables }: Ruleset): boolean {
  return tables.some(({ timeouts = [] }) => timeouts.length > 0);
}

export function hasGuard(ruleset: Ruleset): boolean {
  return ruleset.tables.some(({ family }) => family !== "inet");
}

/** Interfaces that it guards. */
export function guardedDevices({ tables }: Ruleset): readonly string[] {
  return tables.flatMap(({ chains }) => chains.flatMap(({ hook }) => hook?.device ?? []));
}

function withoutRules(table: Table, isLeftOut: (rule: Rule) => boolean): Table {
  const chains = table.chains.map((chain) => ({
    ...chain,
    rules: chain.rules.filter((rule) => !isLeftOut(rule)),
  }));
  return { ...table, chains };
}
