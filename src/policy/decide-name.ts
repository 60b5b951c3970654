import type { CompiledPolicy } from "./compile.ts";
import type { Decision } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import { NO_MATCH, findFirstMatch } from "./name-index.ts";

/** Which rule decides a name; `rule: undefined` means the default action did. Cost grows with the name's labels, not with the rules. */
export function decideName(policy: CompiledPolicy, qname: DomainName): Decision {
  const position = findFirstMatch(policy.names, qname);
  return position === NO_MATCH ? policy.fallback : (policy.decisions[position] ?? policy.fallback);
}
