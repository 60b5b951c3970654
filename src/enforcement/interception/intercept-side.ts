/**
 * The interception of a sandbox: which addresses are led to the interceptor follows the lookups and the
 * vault, and what it serves follows the policy.
 *
 * A change of the vault is in the kernel when the vault's subscribers have been told, so before the call that
 * made it is answered. Connections to newly bound hosts that are open by then are reset: those that went past
 * us by the generation, those that we pass on by ourselves.
 */
import { randomInt } from "node:crypto";
import type { AddressAdmission } from "../../dns/ports.ts";
import type { BoundAddresses } from "../../intercept/bound-addresses.ts";
import { type Interceptor, openInterceptor } from "../../intercept/io/interceptor.ts";
import type { RefusedFlow } from "../../intercept/io/serve-flow.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { openInterceptRedirect } from "../../netfilter/io/intercept-redirect.ts";
import { readOwnAddresses } from "../../netfilter/io/namespace-network.ts";
import { renderAddress } from "../../policy/address.ts";
import { decideShownName } from "../../policy/decide-name.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import { appOf } from "../../policy/http-scope.ts";
import type { SocketMark } from "../../sys/socket.ts";
import { SCHEME_PORTS } from "../../vault/binding.ts";
import { policiesOf, type PolicyInForce, type PolicyInForceCell } from "../change/policy-in-force.ts";
import type { SandboxEvents } from "../events.ts";
import { createBoundAdmission } from "./bound-admission.ts";
import { createByAddress, isDenied } from "./by-address.ts";
import { createBoundHosts, type HostBinding } from "./bound-hosts.ts";
import { createBoundFollower } from "./follow-vault.ts";
import { createTellBound, TOLD_PER_SECOND } from "../names/tell-bound.ts";
import type { InterceptionPlan } from "./interception-plan.ts";
import { followOwnAddresses } from "./own-addresses.ts";
import { createRequestRules } from "./request-rules.ts";

export interface InterceptSideOptions {
  readonly plan: InterceptionPlan;
  readonly addresses: BoundAddresses;
  readonly learned: LearnedAddresses;
  readonly inForce: PolicyInForceCell;
  readonly mark: SocketMark;
  readonly events: SandboxEvents;
  readonly onFault: (message: string, error: unknown) => void;
}

export interface Following {
  /** Cached answers do not say again which name has given an address. */
  readonly clearCache: () => void;
  /** Has connections judged again: some go to where only the interceptor may go by now. */
  readonly judgeAnew: () => void;
}

export interface InterceptSide extends Disposable {
  /** The same admission, by which addresses of bound names are led to us. */
  readonly admission: AddressAdmission;
  /** Addresses that are. */
  list(): readonly Uint8Array[];
  /**
   * The ruleset is in force: the sets are made to hold what they should, and the vault is followed. Throws
   * KernelError.
   */
  begin(following: Following): void;
  /** The kernel's sets may hold anything: they hold what they should after it. Throws KernelError. */
  rewrite(): void;
  /**
   * Why bound hosts may not be intercepted; to be asked about once a second. Throws KernelError,
   * SystemCallError, NetlinkError.
   */
  look(): string | undefined;
  /** Lines for health. */
  faults(): readonly string[];
  /** The bindings of a host whose connections are intercepted. */
  bindingsOf(host: DomainName): readonly HostBinding[];
  /** Requests that a rule has refused, or would have in audit mode. */
  requestsRefused(): number;
  /** Connections to bound hosts that had to go for want of room, or were not taken for it. */
  connectionsShed(): number;
}

/** The original's word, by which its callers know it. */
const NOT_READY = "mitmproxy not ready";

/**
 * Opens it in the current network namespace; it takes flows as soon as a ruleset marks them. Throws
 * NetlinkError, SystemCallError.
 */
export function openInterceptSide(options: InterceptSideOptions): InterceptSide {
  const { plan, addresses, learned, mark, events } = options;
  using undo = new DisposableStack();
  let following: Following | undefined;
  const onRefused = (error: unknown): void =>
    options.onFault("the kernel refused addresses of bound names", error);

  const hosts = undo.adopt(createBoundHosts(plan.vault, Date.now), (opened) => opened.close());
  const count: Counts = { requestsRefused: 0, connectionsShed: 0 };
  const interceptor = undo.adopt(openInterceptorOf(options, count), (opened) => opened.close());
  const place = { port: interceptor.port, group: mark.group };
  const redirect = undo.adopt(openInterceptRedirect(place), (opened) => opened.close());
  const follower = createBoundFollower({
    vault: plan.vault,
    addresses,
    learned,
    onFollowed(hasNew) {
      following?.clearCache();
      if (hasNew) following?.judgeAnew();
      interceptor.bindingsChanged();
    },
    onRefused,
  });
  undo.defer(() => follower.close());
  events.policyReplaced.subscribe(interceptor.policyChanged);
  const kept = undo.move();
  return {
    admission: createBoundAdmission({ learned, bound: addresses, vault: plan.vault, onRefused }),
    list: addresses.list,
    begin(given) {
      following = given;
      follower.begin();
    },
    rewrite() {
      // Before it has begun the sets may not be there.
      if (following !== undefined) follower.rewrite();
    },
    look() {
      if (following === undefined) return undefined;
      follower.look();
      return interceptor.fault() ?? redirect.fault();
    },
    faults() {
      if (follower.isStale()) return [NOT_READY];
      const lack = plan.lacks();
      return lack === undefined ? [] : [lack === "" ? NOT_READY : `${NOT_READY}: ${lack}`];
    },
    bindingsOf: hosts.bindingsOf,
    requestsRefused: () => count.requestsRefused,
    connectionsShed: () => count.connectionsShed,
    [Symbol.dispose]: () => kept.dispose(),
  };
}

interface Counts {
  requestsRefused: number;
  connectionsShed: number;
}

function openInterceptorOf(
  { plan, addresses, learned, inForce, mark, events, onFault }: InterceptSideOptions,
  count: Counts,
): Interceptor {
  const bound = createTellBound(TOLD_PER_SECOND, () => performance.now());
  const rules = createRequestRules({
    inForce: inForce.read,
    onRefused(refused) {
      count.requestsRefused += 1;
      if (bound.admits()) events.requestRefused.emit(refused);
    },
  });
  return openInterceptor({
    ...plan,
    relay: (connection) => plan.relay(connection, rules),
    group: mark.group,
    below: randomInt,
    isAllowed: (name, destination, scheme) =>
      isAllowed(inForce.read(), name, { port: destination.port, app: appOf(scheme) }) &&
      !(plan.isEverything && isDenied(inForce.read(), destination)),
    ...(plan.isEverything ? { byAddress: createByAddress(inForce, addresses) } : {}),
    // Credentials are for these ports alone: a flow to another one goes on unread.
    isBound: (name, scheme, port) =>
      port === SCHEME_PORTS[scheme] && plan.vault.inForce().isBoundAt(name, port),
    isRuled: (name, destination) =>
      inForce.read().active.audits === undefined && rules.isRuled(name, destination.port),
    wasGiven: (octets, name) => addresses.wasGiven(octets, name) && learned.has(octets),
    connect: plan.createConnect(mark, followOwnAddresses(readOwnAddresses, events)),
    onShed({ name, destination, octets, reason }) {
      count.connectionsShed += 1;
      plan.onShed(name ?? renderAddress(destination.octets), octets, reason);
    },
    onRefused({ why, name, reason, octets, port }) {
      if (why === "crowded") count.connectionsShed += 1;
      // A host that cannot be reached, or a client that does not trust us, is no matter of the policy.
      if (UNSERVED.has(why)) plan.onUnserved(name ?? renderAddress(octets), reason);
      else events.nameRefused.emit({ name, reason, address: octets, port, isAudited: false });
    },
    onFault,
  });
}

const UNSERVED: ReadonlySet<RefusedFlow["why"]> = new Set(["unreachable", "handshake"]);

/** While a change is under way both policies must let it pass. */
function isAllowed(
  inForce: PolicyInForce,
  name: DomainName,
  { port, app }: { readonly port: number; readonly app: "tls" | "http" },
): boolean {
  return policiesOf(inForce).every((policy) => decideShownName(policy, name, port, app).action === "allow");
}
