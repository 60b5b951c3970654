/** What the resolver asks of the rest of the sidecar. All of it is synchronous: nothing slow may stand in a lookup's way. */
import type { Decision } from "../policy/decision.ts";
import type { DomainName } from "../policy/domain-name.ts";
import type { Endpoint } from "../sys/socket-address.ts";
import type { BoundMet } from "./bounds/lookup-bounds.ts";
import type { PreparedAnswer } from "./answer/prepared-answer.ts";

/** The policy as it is at the moment of the call. */
export interface LookupPolicy {
  decide(qname: DomainName): Decision;
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

/** When upstreams are asked whether they live, and who hears of those that do not answer. */
export interface UpstreamProbes {
  /** Asked for its A records; the root for its NS records. */
  readonly qname: DomainName;
  readonly intervalMs: number;
  /** Once a round for each upstream that did not answer. `line` is for the log, and holds `[dns] upstream probe`. */
  probeFailed(upstream: Endpoint, line: string): void;
}

/** Why an allowed lookup got no answer: no upstream gave one in time, the kernel refused the addresses, or too many were under way. */
type LookupFailure = "upstream" | "kernel" | "overload";

/** What happened, for logs and metrics. Called on the hot path: returns at once. */
export interface LookupObserver {
  /** `qname` is text fit for a log, also for names that no rule can speak of. */
  denied(qname: string, qtype: number, decision: Decision | undefined): void;
  /** `answer` is valid during the call only. */
  answered(qname: DomainName, qtype: number, answer: PreparedAnswer): void;
  failed(qname: DomainName, qtype: number, reason: LookupFailure): void;
  /** Lookups of allowed names are refused from now on until a minute is over; not called for each of them. */
  limited(met: BoundMet): void;
  /** The upstreams are done with a lookup, well or not, this long after it was begun. */
  forwarded(durationMs: number): void;
}
