/**
 * Of a connection over TCP: what becomes of it by what it speaks, told by the code that judges held ones. A
 * protocol that shows a name is taken to show that of the target, or of an address the first of its names
 * that passes. PostgreSQL is taken to be in the clear, which shows none.
 */
import { asksForApp, type Spoken, SPOKEN_APPS } from "../../policy/app.ts";
import { asksAt, type CompiledPolicy } from "../../policy/compile.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import { decideAddressFlow } from "../../policy/decide-address.ts";
import { decideNameFlow } from "../../policy/decide-name.ts";
import type { Decision } from "../../policy/decision.ts";
import { type DomainName, isDomainName } from "../../policy/domain-name.ts";
import { holdsFlow } from "../../policy/flow-set.ts";
import type { ShownName } from "../../wire-names/flow-state.ts";
import { findDemand, judgeByApp, kindOf } from "../names/app-fault.ts";
import type { FlowAnywhere, JudgedFlow } from "../names/judged-flow.ts";
import { findAuditedFault, findNameFault } from "../names/name-fault.ts";
import type { AddressView, ExplainedAddress } from "./explain-address.ts";

export interface ExplainedSpoken {
  /** `other`: none of the others. */
  readonly app: Spoken;
  /** That it shows; undefined: none. */
  readonly name: DomainName | undefined;
  readonly passes: boolean;
  /** Why what it says is refused, or would be without audit mode; undefined: it is not. */
  readonly fault: string | undefined;
  /** The policy's, whether audit mode is on or not. */
  readonly decision: Decision;
}

/** What is the same for all that it may speak. */
export interface SpokenView {
  /** In force; of audit mode what it enforces. */
  readonly policy: CompiledPolicy;
  readonly port: number;
  /** Undefined: nobody reads connections. */
  readonly names: Pick<JudgedFlow, "isStrict"> | undefined;
  /** Undefined: the target is an address. */
  readonly name: DomainName | undefined;
  /** Whether the interceptor answers it, which takes TLS and HTTP alone. */
  readonly isBound: boolean;
}

/** One place that it may go to. */
export interface SpokenPlace {
  readonly address: Uint8Array | undefined;
  readonly owners: readonly string[];
  readonly isLearned: boolean;
  /** What the kernel says of its first packet. */
  readonly kernel: Pick<ExplainedAddress["kernel"], "passes" | "by" | "decision">;
}

export const EVERY_SPOKEN: readonly Spoken[] = [...SPOKEN_APPS, "other"];

export function placeOf(
  { namesOf, kernel }: AddressView,
  octets: Uint8Array,
  port: number,
  { kernel: verdict }: Pick<ExplainedAddress, "kernel">,
): SpokenPlace {
  const isLearned = holdsFlow(kernel.learnedFlows(octets), { protocol: "tcp", port });
  return { address: octets, owners: namesOf(octets), isLearned, kernel: verdict };
}

/** Of a name that nobody has looked up: as to an address that it would give. */
export function placeOfName(name: DomainName, decision: Decision): SpokenPlace {
  const passes = decision.action === "allow";
  return { address: undefined, owners: [name], isLearned: true, kernel: { passes, by: "learned" } };
}

/** Where it fares best. There is at least one place. */
export function explainSpoken(
  view: SpokenView,
  places: readonly SpokenPlace[],
  app: Spoken,
): ExplainedSpoken {
  const all = places.flatMap((place) =>
    namesToShow(view, place, app).map((name) => explainAt(view, place, app, name)),
  );
  const [first] = all;
  if (first === undefined) throw new TypeError("a connection goes somewhere");
  return all.find(({ passes, fault }) => passes && fault === undefined) ?? first;
}

function namesToShow(
  { name }: SpokenView,
  { owners }: SpokenPlace,
  app: Spoken,
): readonly (DomainName | undefined)[] {
  if (app !== "tls" && app !== "http") return [undefined];
  if (name !== undefined) return [name];
  const known = owners.filter(isDomainName);
  return known.length === 0 ? [undefined] : known;
}

function explainAt(
  view: SpokenView,
  place: SpokenPlace,
  app: Spoken,
  name: DomainName | undefined,
): ExplainedSpoken {
  const { policy, port, names } = view;
  const { address, owners, isLearned, kernel } = place;
  const shown: ShownName = { kind: kindOf(app, name), name, app };
  const flow: FlowAnywhere = {
    isStrict: names?.isStrict === true,
    port,
    address,
    owners: () => owners,
    isLearned: () => isLearned,
  };
  const decision = decide(withoutAudit(policy), shown, flow);
  if (view.isBound) return { app, name, decision, ...explainBound(view, place, shown, decision) };
  if (kernel.passes && isAuditedAt(view, address))
    return { app, name, decision, fault: "a rule denies the address", passes: true };
  const isJudged = isRead(view, place) && findDemand([policy], flow) !== "nothing";
  if (!isJudged) return { app, name, decision, fault: undefined, passes: kernel.passes };
  const policies = { active: policy, pending: undefined };
  const fault = findNameFault(policies, shown, flow);
  const audited = findAuditedFault(policies, shown, flow);
  return { app, name, decision, fault: fault ?? audited, passes: kernel.passes && fault === undefined };
}

/** The interceptor takes TLS and HTTP, of names that the policy allows. */
function explainBound(
  { policy }: SpokenView,
  { kernel }: SpokenPlace,
  { kind }: ShownName,
  { action }: Decision,
): Pick<ExplainedSpoken, "passes" | "fault"> {
  if (kind === "other") return { fault: NOT_HTTP, passes: false };
  if (action === "allow") return { fault: undefined, passes: kernel.passes };
  return { fault: "the policy denies it", passes: kernel.passes && policy.audits !== undefined };
}

const NOT_HTTP = "neither TLS nor HTTP, and connections to a bound host's port are answered here";

/** Whether what it says is held and read: at addresses of names, and where a rule for the address asks. */
function isRead({ names, policy }: SpokenView, { kernel }: SpokenPlace): boolean {
  if (names === undefined || !kernel.passes) return false;
  if (kernel.by === "learned") return true;
  return policy.audits === undefined && asksForApp(kernel.decision?.rule?.scope?.app);
}

/**
 * Whether a rule for the address denies it, and audit mode has it pass: the kernel then holds nothing of it.
 */
function isAuditedAt({ policy: { audits }, port }: SpokenView, address: Uint8Array | undefined): boolean {
  if (audits === undefined || address === undefined) return false;
  const { rule, action } = decideAddressFlow(audits, address, { protocol: "tcp", port });
  return rule !== undefined && action === "deny";
}

function decide(policy: CompiledPolicy, shown: ShownName, flow: FlowAnywhere): Decision {
  const { address, port } = flow;
  if (asksAt(policy, port)) return judgeByApp(policy, shown, flow).decision;
  const kind = { protocol: "tcp", port } as const;
  const byAddress = address && decideAddressFlow(policy, address, kind);
  if (byAddress?.rule !== undefined) return byAddress;
  const names = shown.name === undefined ? flow.owners().filter(isDomainName) : [shown.name];
  const decisions = names.map((name) => decideNameFlow(policy, name, kind));
  return decisions.find(({ action }) => action === "allow") ?? decisions[0] ?? policy.fallback;
}
