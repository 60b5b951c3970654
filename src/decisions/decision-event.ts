/**
 * What is decided on each lookup and each refused connection, as one event. Log, ring, stream, webhook and
 * counters are its subscribers; the code that reports it knows none of them.
 */
import type { Spoken } from "../policy/app.ts";
import type { DomainName } from "../policy/domain-name.ts";
import type { Layer } from "../policy/decision.ts";

export const KINDS = ["lookup", "connection"] as const;
export type Kind = (typeof KINDS)[number];

/**
 * `denied`: by policy. `withheld`: the name is allowed, and each of its addresses was taken out of the
 * answer. `nxdomain` and `nodata` are what the upstream says of an allowed name. `failed`: an allowed name
 * got no answer. `audited`: the policy would deny it, and audit mode has let it through; `layer` and `rule`
 * are those that would, and of a lookup `rcode` says what came of it.
 */
export const OUTCOMES = ["allowed", "denied", "withheld", "nxdomain", "nodata", "failed", "audited"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Who decided: a layer of the policy, or `built-in` for what holds under every policy. */
export const LAYERS = ["built-in", "deny.always", "allow.always", "user", "default"] as const;
export type DecidingLayer = Layer | "built-in";

/** What the decision alone does not say, each with its words for people. */
export const REASON_WORDS = {
  upstream: "no upstream gave an answer in time",
  rcode: "the upstreams answered with an error",
  kernel: "the kernel refused the addresses",
  overload: "too many lookups under way",
  limited: "too many lookups this minute",
  "own-answer": "answered without asking an upstream",
  "special-address": "the addresses are loopback, link-local, multicast or reserved",
  "private-address": "the addresses are private, and OPENSANDBOX_EGRESS_PRIVATE_ANSWERS is deny",
  "own-network": "the addresses are the sandbox's own, its gateway's or an upstream's",
  "no-host-name": "no rule can speak of such a name",
  "shown-name": "the connection shows a name that is not allowed, though its address is open",
  "shown-form": "the connection shows no name, or in a way that servers may read differently",
  "shown-app": "the connection speaks a protocol that no rule allows there",
  "shown-request": "the connection is allowed, and this request over it is not",
  expired: "the lookup that gave the address is too long ago: it must be looked up again",
  "kernel-rule": "a rule of the kernel's own, such as those against DNS over TLS and QUIC",
} as const;
export type Reason = keyof typeof REASON_WORDS;
export const REASONS: readonly Reason[] = Object.keys(REASON_WORDS).filter(isReason);

function isReason(text: string): text is Reason {
  return text in REASON_WORDS;
}

/**
 * Addresses that were taken out of an answer that keeps others: how many, the first of them, and who decided
 * on that.
 */
export interface TakenOut {
  readonly count: number;
  /** 4 octets, or 16. */
  readonly first: Uint8Array;
  readonly layer: DecidingLayer;
  readonly rule: string | undefined;
  readonly reason: Reason | undefined;
}

/** One object tells of many events: it is good during the call only. */
export interface DecisionEvent {
  readonly kind: Kind;
  readonly decision: Outcome;
  /** Unix time. */
  readonly timeMs: number;
  /**
   * Text that is fit for a log. Of a connection the name that last gave the address; undefined if none is
   * known.
   */
  readonly name: string | undefined;
  /** Of a connection that was judged by its address: all names that gave it, the latest first. */
  readonly owners?: readonly string[] | undefined;
  /** Undefined for a name that no rule can speak of. */
  readonly qname: DomainName | undefined;
  /** Of a lookup. */
  readonly qtype: number;
  /** What the client was told, of a lookup. */
  readonly rcode: number;
  /**
   * Index of the upstream that answered, or if none did of the one asked last; undefined for an answer from
   * the cache or of our own.
   */
  readonly upstream: number | undefined;
  /** From when upstreams were first asked; 0 if none was. */
  readonly durationMs: number;
  /** Of a connection: as IANA numbers it, and its port, undefined if the protocol has none. */
  readonly protocol: number;
  readonly port: number | undefined;
  readonly layer: DecidingLayer;
  /** Target of the rule that decided; undefined when none did. */
  readonly rule: string | undefined;
  readonly reason: Reason | undefined;
  /**
   * Of an allowed lookup whose answer has lost some; told by the lookup that asked an upstream, not by those
   * that the cache answers. Is the reader's to keep.
   */
  readonly takenOut: TakenOut | undefined;
  /** Of a connection that was judged by the name that it showed; that is its `name`. */
  readonly shown?: ShownDetails | undefined;
  /**
   * Visits the addresses: of an allowed lookup those that it gave, of a withheld one the first that was taken
   * out, of a connection the far end's.
   */
  forEachAddress(visit: VisitAddress): void;
}

export interface ShownDetails {
  /** For people. */
  readonly problem: string;
  /** What the connection speaks, as far as that was looked for. */
  readonly app?: Spoken | undefined;
  /** Names that own the address. */
  readonly owners: readonly string[];
  /** The first of these that the policy allows, at some port. */
  readonly allowedOwner?: string | undefined;
  /** Whether the name is allowed at some other port. */
  readonly isAllowedElsewhere: boolean;
}

export type VisitAddress = (octets: Uint8Array, at: number, length: 4 | 16) => void;

/** Called on a lookup's way: returns at once and never throws. */
export type DecisionSubscriber = (event: DecisionEvent) => void;

/** Each gets the event, in this order. */
export function tellAll(subscribers: readonly DecisionSubscriber[]): DecisionSubscriber {
  return (event) => {
    for (const subscriber of subscribers) subscriber(event);
  };
}
