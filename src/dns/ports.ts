/**
 * What the resolver asks of the rest of the sidecar. All of it is synchronous: nothing slow may stand in a
 * lookup's way.
 */
import type { Decision } from "../policy/decision.ts";
import type { DomainName } from "../policy/domain-name.ts";
import type { Endpoint } from "../sys/socket-address.ts";
import type { BoundMet } from "./bounds/lookup-bounds.ts";

/** The policy as it is at the moment of the call. */
export interface LookupPolicy {
  decide(qname: DomainName): Decision;
  /** Whether some name below a denied one may be allowed. */
  allowsBelow(qname: DomainName): boolean;
  /** Whether an allowed name's answer may give out the address at `octets[at, at + length)`. */
  admitsAddress(octets: Uint8Array, at: number, length: 4 | 16): boolean;
}

/** The kernel's side of an answer: its addresses can be reached before the client has them. */
export interface AddressAdmission {
  /** Queues the address for the next `commit`. Cheap for one that is in force long enough already. */
  learn(qname: DomainName, octets: Uint8Array, at: number, length: 4 | 16, ttlSeconds: number): void;
  /** Whether all that was queued is in force now. On `false` nothing of it is, and it is forgotten. */
  commit(): boolean;
  /** Another small number, from 0, whenever an address may have gone before its time. */
  epoch(): number;
}

/** When upstreams are asked whether they live, and who gets a report of those that do not answer. */
export interface UpstreamProbes {
  /** Asked for its A records; the root for its NS records. */
  readonly qname: DomainName;
  readonly intervalMs: number;
  /**
   * Once a round for each upstream that did not answer. `line` is for the log, and holds `[dns] upstream
   * probe`.
   */
  probeFailed(upstream: Endpoint, line: string): void;
}

/**
 * What came of a lookup: the policy denied it; the cache or an upstream answered, with records of the type,
 * with none, with those alone that were all taken out, or that the name is not there; we answered by
 * ourselves what is never asked for, by its type or its name; a bound on lookups kept it back. Or an allowed
 * one failed: no upstream gave an answer in time, all said that they can't, the kernel refused the addresses,
 * too many lookups were under way.
 */
export type LookupOutcome =
  | "denied"
  | "answered"
  | "nodata"
  | "withheld"
  | "nxdomain"
  | "own"
  | "limited"
  | "upstream"
  | "rcode"
  | "kernel"
  | "overload";

/**
 * A lookup that the policy has decided on. One object tells of all of them: it is good during the call only.
 */
export interface LookupEvent {
  /** Undefined for a name that no rule can speak of. */
  readonly qname: DomainName | undefined;
  /** The name as text that is fit for a log, whatever it is. */
  readonly text: string;
  readonly qtype: number;
  readonly outcome: LookupOutcome;
  /**
   * Undefined for a name that no rule can speak of, which is denied, and for one that is answered under every
   * policy.
   */
  readonly decision: Decision | undefined;
  /** What the client was told. */
  readonly rcode: number;
  /**
   * Index of the upstream that answered, or if none did of the one asked last; undefined for an answer from
   * the cache or of our own.
   */
  readonly upstream: number | undefined;
  /** From when upstreams were first asked; 0 if none was. */
  readonly durationMs: number;
  /** When, by the resolver's own clock: those of one pass have the same. */
  readonly nowMs: number;
  /**
   * Visits the addresses of the answer, in the order in which it came. A client that has no room for all gets
   * some of them.
   */
  forEachAddress(visit: (octets: Uint8Array, at: number, length: 4 | 16) => void): void;
  /** How many addresses were taken out of the answer; 0 for one from the cache. */
  readonly withheldCount: number;
  /** Visits the first of them. */
  forFirstWithheld(visit: (octets: Uint8Array, at: number, length: 4 | 16) => void): void;
}

/** What happened, for logs and metrics. Called on the hot path: returns at once. */
export interface LookupObserver {
  /** Once for each client that is answered; once for all that wait for one answer if it fails. */
  lookedUp(event: LookupEvent): void;
  /** Lookups of allowed names are refused from now on until a minute is over; not called for each of them. */
  limited(met: BoundMet): void;
  /** The upstreams are done with a lookup, well or not, this long after it was begun. */
  forwarded(durationMs: number): void;
}
