/** What has to be true between the parts of a vault, and between it and the policy. */
import type { CompiledPolicy } from "../../policy/compile.ts";
import { decideShownName } from "../../policy/decide-name.ts";
import type { Decision } from "../../policy/decision.ts";
import { appOf } from "../../policy/http-scope.ts";
import { quote } from "../../policy/problem.ts";
import type { Steps } from "../../policy/steps.ts";
import { type Scheme, SCHEME_PORTS } from "../binding.ts";
import { type HostPattern, probeName, renderHostPattern } from "../host-pattern.ts";
import type { NewBinding } from "../request/vault-request.ts";
import { credentialsOf } from "../resolve-binding.ts";
import { ambiguitySteps } from "./ambiguity.ts";
import type { VaultState } from "./vault-state.ts";

const MOST_OCTETS = 4 << 20;

/** What is wrong, in one line. A step for each two bindings that name the same host. */
export function* validateSteps(state: VaultState): Steps<string | undefined> {
  return (
    findTooLarge(state) ??
    findUnknownCredential(state) ??
    (yield* ambiguitySteps([...state.bindings.values()]))
  );
}

function findTooLarge({ credentials, bindings }: VaultState): string | undefined {
  let octets = 0;
  for (const { value } of credentials.values()) octets += Buffer.byteLength(value?.reveal() ?? "");
  for (const binding of bindings.values()) octets += JSON.stringify(binding).length;
  return octets > MOST_OCTETS ? `the vault would hold more than ${MOST_OCTETS} octets` : undefined;
}

function findUnknownCredential({ credentials, bindings }: VaultState): string | undefined {
  for (const binding of bindings.values()) {
    const unknown = credentialsOf(binding).find((name) => !credentials.has(name));
    if (unknown !== undefined)
      return `binding ${quote(binding.name)} references unknown credential ${quote(unknown)}`;
  }
  return undefined;
}

/**
 * The first host of a binding to which the policy does not allow connections on the ports of its schemes. For
 * a wildcard the policy judges an invented name below it. The words are the original's.
 */
export function findUncovered(
  bindings: Iterable<NewBinding>,
  policy: CompiledPolicy,
): { readonly binding: NewBinding; readonly message: string } | undefined {
  for (const binding of bindings) {
    const { hosts, schemes } = binding.match;
    const host = hosts.find((pattern) => schemes.some((scheme) => !isAllowed(policy, pattern, scheme)));
    if (host === undefined) continue;
    const shown = `binding ${quote(binding.name)} host ${quote(renderHostPattern(host))}`;
    return { binding, message: `${shown} is not allowed by egress policy` };
  }
  return undefined;
}

/** Names of the bindings with a host that no rule allows, but the policy's default action does. */
export function listAllowedByDefault(
  bindings: Iterable<NewBinding>,
  policy: CompiledPolicy,
): readonly string[] {
  const isByDefault = ({ match: { hosts, schemes } }: NewBinding): boolean =>
    hosts.some((host) => schemes.some((scheme) => decide(policy, host, scheme)?.layer === "default"));
  return [...bindings].filter(isByDefault).map(({ name }) => name);
}

function isAllowed(policy: CompiledPolicy, pattern: HostPattern, scheme: Scheme): boolean {
  return decide(policy, pattern, scheme)?.action === "allow";
}

function decide(policy: CompiledPolicy, pattern: HostPattern, scheme: Scheme): Decision | undefined {
  const name = probeName(pattern);
  return name && decideShownName(policy, name, SCHEME_PORTS[scheme], appOf(scheme));
}
