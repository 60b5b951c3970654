/**
 * Whether a connection is let through at a port where rules ask what is spoken. The first match decides, over
 * address or name, port and protocol together: rules for the address first, as everywhere, then those for the
 * name that it shows. One that shows none, as SSH does, goes by the names that have given its address.
 */
import type { Spoken, SpokenApp } from "../../policy/app.ts";
import { asksAt, type CompiledPolicy } from "../../policy/compile.ts";
import { decideAddressFlow } from "../../policy/decide-address.ts";
import { decideNameFlow } from "../../policy/decide-name.ts";
import type { Decision } from "../../policy/decision.ts";
import { type DomainName, isDomainName } from "../../policy/domain-name.ts";
import { type FlowKind, holdsFlow } from "../../policy/flow-set.ts";
import type { Demand, ShownName } from "../../wire-names/flow-state.ts";
import type { FlowAnywhere, JudgedFlow } from "./judged-flow.ts";

/** What any of the policies asks of a flow; nothing only if all of them do. */
export function findDemand(policies: readonly CompiledPolicy[], flow: FlowAnywhere): Demand {
  if (policies.every((policy) => asksNothing(policy, flow))) return "nothing";
  return policies.some((policy) => asksAt(policy, flow.port)) ? "app" : "name";
}

/** Whether the first rule for a name that has given the address is one with `any`. */
function asksNothing(policy: CompiledPolicy, { port, owners }: FlowAnywhere): boolean {
  const flow = { protocol: "tcp", port } as const;
  const isThere = policy.scoped.some(({ app, flows }) => app === "any" && holdsFlow(flows, flow));
  return (
    isThere &&
    owners().some((owner) => {
      const decision = isDomainName(owner) && decideNameFlow(policy, owner, flow);
      return decision !== false && decision.action === "allow" && appOf(decision) === "any";
    })
  );
}

export interface AppVerdict {
  /** Why it is refused; undefined: it is not. */
  readonly fault: string | undefined;
  readonly decision: Decision;
}

export function judgeByApp(policy: CompiledPolicy, shown: ShownName, judged: FlowAnywhere): AppVerdict {
  const app = shown.app ?? shown.kind;
  const flow = { protocol: "tcp", port: judged.port, app } as const;
  const byAddress = judged.address && decideAddressFlow(policy, judged.address, flow);
  if (byAddress?.rule !== undefined)
    return { fault: byAddress.action === "allow" ? undefined : wrongApp(app), decision: byAddress };
  const owners = judged.owners();
  const allowing = owners
    .filter(isDomainName)
    .map((owner) => decideNameFlow(policy, owner, flow))
    .filter(({ action }) => action === "allow");
  const byAny = allowing.find((decision) => appOf(decision) === "any");
  if (byAny !== undefined) return { fault: undefined, decision: byAny };
  const isOpen = policy.fallback.action === "allow" || judged.isLearned();
  if (shown.name !== undefined) return judgeName(policy, shown.name, flow, isOpen);
  const byDefault = allowing.find(({ rule }) => rule === undefined);
  const isByDefault = owners.length === 0 && policy.fallback.action === "allow";
  if (isByDefault || byDefault !== undefined) return { fault: undefined, decision: policy.fallback };
  const fault = isOpen ? findNamelessFault(policy, { ...shown, app }, allowing, judged) : UNGIVEN;
  const decision = allowing.find((one) => appOf(one) === app) ?? allowing[0] ?? policy.fallback;
  return { fault, decision };
}

function judgeName(
  policy: CompiledPolicy,
  name: DomainName,
  flow: FlowKind & { readonly app: Spoken },
  isOpen: boolean,
): AppVerdict {
  const decision = decideNameFlow(policy, name, flow);
  if (decision.action === "allow") return { fault: isOpen ? undefined : UNGIVEN, decision };
  const isNamed = decideNameFlow(policy, name, { ...flow, app: undefined }).action === "allow";
  return { fault: isNamed ? wrongApp(flow.app) : "a denied name", decision };
}

/**
 * `allowing`: what lets names of its address pass that speak the same. Where the default action allows, which
 * audit mode has it do, only what is denied is refused.
 */
function findNamelessFault(
  { fallback }: CompiledPolicy,
  { kind, app }: Pick<ShownName, "kind"> & { readonly app: Spoken },
  allowing: readonly Decision[],
  { isStrict }: FlowAnywhere,
): string | undefined {
  if (fallback.action === "allow" && allowing.length > 0) return undefined;
  if (kind === "tls") return "a ClientHello without a server name";
  if (kind === "http") return "an HTTP request without a host name";
  if (allowing.length === 0) return wrongApp(app);
  return isStrict && !allowing.some((decision) => appOf(decision) === app) ? NAMELESS : undefined;
}

/**
 * Whether a change denies a connection that has shown this, at a port where rules ask what is spoken. Without
 * `app` that is not known, and each protocol that shows names has to be allowed.
 */
export function isDeniedByApp(
  policy: CompiledPolicy,
  { name, app }: Pick<ShownName, "name" | "app">,
  flow: JudgedFlow,
): boolean {
  const apps = app === undefined ? NAMING : [app];
  return apps.some(
    (one) => judgeByApp(policy, { kind: kindOf(one, name), name, app: one }, flow).fault !== undefined,
  );
}

const NAMING: readonly SpokenApp[] = ["tls", "http", "postgres"];
export const NAMELESS = "neither TLS nor HTTP, and no rule with app allows it";
const UNGIVEN = "an address that no allowed name has given";

function wrongApp(app: Spoken): string {
  return app === "other"
    ? "a protocol that is none of those that rules allow there"
    : `${app}, which no rule allows there`;
}

export function kindOf(app: Spoken, name: ShownName["name"]): ShownName["kind"] {
  if (app === "postgres" && name !== undefined) return "tls";
  return app === "tls" || app === "http" ? app : "other";
}

function appOf({ rule }: Decision): string | undefined {
  return rule?.scope?.app;
}
