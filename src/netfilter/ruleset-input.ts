/** What a ruleset is made from: the policy, the numbers of this start, and the facts of the namespace. */
import type { CompiledPolicy } from "../policy/compile.ts";
import { type Endpoint } from "../sys/socket-address.ts";
import type { EnforcementMode, TimedElement } from "./ruleset.ts";

export interface RulesetInput {
  readonly mode: EnforcementMode;
  readonly policy: CompiledPolicy;
  /** Accepted flows carry it: 1 to 2^27 - 1. A new one has every flow judged again. */
  readonly generation: number;
  readonly marks: Marks;
  readonly upstreams: readonly Endpoint[];
  /** A setting names them: the ruleset marks them so, for the process that comes after this one. */
  readonly upstreamsAreSet?: boolean | undefined;
  /** Where the sidecar itself sends events and metrics; these flows pass whatever the policy says. */
  readonly ownDestinations?: readonly Endpoint[];
  /** Resolvers that anybody may ask, on port 53. */
  readonly exemptNameservers: readonly string[];
  readonly resolverPort: number;
  /**
   * Where the resolver listens at every IPv6 address, for lookups that go to link-local ones; undefined if it
   * does not.
   */
  readonly linkResolverPort?: number | undefined;
  /**
   * Where callers find the API; it listens on another port. Without a host, and for `0.0.0.0`, every address.
   */
  readonly api: { readonly host: string | undefined; readonly port: number };
  readonly network: NetworkFacts;
  /** Where flows to addresses of names are judged by the name they show; undefined if they are not. */
  readonly names?: NamesInput | undefined;
  /** Where flows to addresses of bound names are led to the interceptor; undefined if they are not. */
  readonly intercept?: InterceptInput | undefined;
  /** Whether a datagram from outside may open a flow. */
  readonly inboundUdp: boolean;
  /** Addresses and prefixes whose port 443 is blocked. */
  readonly doh: readonly string[] | undefined;
  /** Learned addresses that stay or come back: their timeouts start anew. */
  readonly restore: LearnedLists;
  /** The same for addresses to which not every flow may go, as elements with a protocol and a port. */
  readonly restoreFlows?: LearnedLists;
  /** We hold learned addresses of which not every flow is allowed, or did a moment ago. */
  readonly hasScopedLearned?: boolean;
  /** Addresses that a change has denied: for an hour they may not open a flow towards us. */
  readonly revoked: AddressLists;
  /** Addresses of bound names that the kernel may have lost; the others stay as they are. */
  readonly bound?: AddressLists;
}

/** Random numbers, matched together: an hour is enough to try 32 bits alone. None is 0 or 2^32 - 1. */
export interface Marks {
  /** SO_MARK and SO_PRIORITY of our own sockets. `sock_diag` shows anybody the priority. */
  readonly mark: number;
  readonly priority: number;
  /** The group that they were opened under, which nobody else knows; undefined if they have none. */
  readonly group: number | undefined;
  /** What tells the kernel's own packets from raw frames. Only the kernel ever sees it. */
  readonly stampMark: number;
  readonly stampPriority: number;
}

export interface NamesInput {
  /** The mark of packets that the reader has refused; a packet that has it by itself is refused, too. */
  readonly refusedMark: number;
  /** Whether conntrack has room for a label with each flow. */
  readonly hasLabels: boolean;
  /** Whether the kernel judges how a server answers a hello; it has to take priorities from the reader. */
  readonly judgesAnswers: boolean;
}

export interface InterceptInput {
  /** Of TCP. */
  readonly ports: readonly number[];
  /**
   * All TCP that the policy lets out goes to the interceptor, on every port, and nothing else leaves: an
   * upstream proxy carries it.
   */
  readonly isEverything?: boolean;
}

export interface NetworkFacts {
  /** All interfaces except `lo`. */
  readonly interfaces: readonly string[];
  /** Prefixes. */
  readonly onLinkV4: readonly string[];
  readonly onLinkV6: readonly string[];
  /**
   * The rules for IPv6 are always there. If a sysctl has switched IPv6 off, they load all the same, and match
   * nothing.
   */
  readonly ipv6: boolean;
}

interface AddressLists {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

interface LearnedLists {
  readonly v4: readonly TimedElement[];
  readonly v6: readonly TimedElement[];
}

/** For a ruleset that starts with no learned addresses, or no revoked ones. */
export const NO_ADDRESSES = { v4: [], v6: [] } as const;
