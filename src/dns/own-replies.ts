/** The answers that no upstream is asked for, and when. */
import type { Decision } from "../policy/decision.ts";
import { Ede, Rcode, RrType } from "./wire/constants.ts";
import type { OwnReply } from "./wire/reply.ts";

/** Short, for a policy may open the name at any moment. */
const DENIED_TTL_SECONDS = 5;
const NO_DATA_TTL_SECONDS = 300;

/**
 * Says by which layer a name is denied, but not by which rule: how much it denies is not the workload's to
 * know.
 */
const DENIED: Readonly<Record<Decision["layer"] | "none", OwnReply>> = {
  default: denied("no rule allows ", true),
  user: denied("a rule denies ", true),
  "allow.always": denied("the operator's rules deny ", true),
  "deny.always": denied("the operator's rules deny ", true),
  none: denied("no rule can allow such a name", false),
};

/** NXDOMAIN, not REFUSED: on REFUSED glibc asks on and on. */
function denied(text: string, edeNames: boolean): OwnReply {
  const edeText = Buffer.from(text);
  const negativeTtlSeconds = DENIED_TTL_SECONDS;
  return { rcode: Rcode.nxDomain, ede: Ede.blocked, edeText, edeNames, negativeTtlSeconds };
}

/**
 * Denied names below which others may be allowed: NXDOMAIN would deny those, too (RFC 8020 section 2), to a
 * cache that goes by it. So they are empty non-terminals (RFC 4592 section 2.2.2), and programs fail as fast.
 */
const DENIED_HERE: typeof DENIED = {
  default: { ...DENIED.default, rcode: Rcode.noError },
  user: { ...DENIED.user, rcode: Rcode.noError },
  "allow.always": { ...DENIED["allow.always"], rcode: Rcode.noError },
  "deny.always": { ...DENIED["deny.always"], rcode: Rcode.noError },
  none: { ...DENIED.none, rcode: Rcode.noError },
};

/**
 * `decision: undefined`: no rule can speak of the name. `allowsBelow`: whether some name below it may be
 * allowed.
 */
export function deniedReply(decision: Decision | undefined, allowsBelow: boolean): OwnReply {
  return (allowsBelow ? DENIED_HERE : DENIED)[decision?.layer ?? "none"];
}

/** No upstream said anything of use in time; upstreams are what we have for authorities. */
export const UPSTREAM_FAILED: OwnReply = {
  rcode: Rcode.servFail,
  ede: Ede.noReachableAuthority,
  edeText: Buffer.from("no upstream gave an answer in time"),
};
/** The kernel did not take the addresses: better no answer than a dead address. */
export const KERNEL_FAILED: OwnReply = {
  rcode: Rcode.servFail,
  ede: Ede.notReady,
  edeText: Buffer.from("the kernel refused the addresses"),
};
/** RFC 8914 has no code for it, and wants a text where it has none (section 4.1). */
export const OVERLOADED: OwnReply = {
  rcode: Rcode.servFail,
  ede: Ede.other,
  edeText: Buffer.from("too many lookups under way"),
};
/**
 * An allowed name that a bound on lookups keeps from being asked. SERVFAIL, for it says nothing about the
 * name and clients take it for what will pass: nobody keeps it as a negative answer. REFUSED is final to some
 * of them, and on NXDOMAIN all would believe that the name is not there. The extended error says that it is
 * by local policy (RFC 8914 section 4.19).
 */
const LIMITED: OwnReply = {
  rcode: Rcode.servFail,
  ede: Ede.prohibited,
  edeText: Buffer.from("too many lookups this minute"),
};
/**
 * The same for who speaks no EDNS. musl, which is one of them, waits out its five seconds on SERVFAIL and on
 * REFUSED; "no data" it takes at once. There is no SOA with it, so nobody keeps it (RFC 2308 section 5).
 */
const LIMITED_PLAIN: OwnReply = { rcode: Rcode.noError, ede: Ede.prohibited };

export function limitedReply(hasEdns: boolean): OwnReply {
  return hasEdns ? LIMITED : LIMITED_PLAIN;
}

/** A reply that is its rcode: passed on from an upstream, or to a query that was refused on sight. */
export function rcodeReply(rcode: number): OwnReply {
  return RCODE_REPLIES[rcode] ?? SERVER_FAILURE;
}

const RCODE_REPLIES: readonly OwnReply[] = Array.from({ length: Rcode.badVers + 1 }, (_, rcode) => ({
  rcode,
  ede: Ede.none,
}));
const SERVER_FAILURE: OwnReply = { rcode: Rcode.servFail, ede: Ede.none };

const NO_DATA: OwnReply = {
  rcode: Rcode.noError,
  ede: Ede.filtered,
  edeText: Buffer.from("service bindings are not given out"),
  negativeTtlSeconds: NO_DATA_TTL_SECONDS,
};
const NOT_SERVED = { ede: Ede.notSupported, edeText: Buffer.from("this type is not served") };
const REFUSED: OwnReply = { rcode: Rcode.refused, ...NOT_SERVED };
const NOT_IMPLEMENTED: OwnReply = { rcode: Rcode.notImp, ...NOT_SERVED };
/** RFC 8482 section 4.2: owner (a pointer to the question), HINFO, IN, TTL 300, "RFC8482", "". */
const ANY: OwnReply = {
  rcode: Rcode.noError,
  ede: Ede.none,
  answer: Buffer.concat([
    Buffer.from([0xc0, 0x0c, 0, RrType.hinfo, 0, 1, 0, 0, 1, 0x2c, 0, 9, 7]),
    Buffer.from("RFC8482"),
    Buffer.from([0]),
  ]),
};

/**
 * What an allowed name is answered without asking, by type. HTTPS and SVCB carry addresses (hints) and keys
 * that would go round the address rules, so there is no data of theirs.
 */
export function ownReplyForType(qtype: number): OwnReply | undefined {
  if (qtype === RrType.https || qtype === RrType.svcb) return NO_DATA;
  if (qtype < RrType.firstMeta || qtype > RrType.any) return undefined;
  if (qtype === RrType.any) return ANY;
  return qtype === RrType.axfr || qtype === RrType.ixfr ? REFUSED : NOT_IMPLEMENTED;
}
