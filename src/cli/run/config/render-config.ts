/**
 * Writes a policy file: rules in order first, as far as the order matters, then a list of what is allowed.
 */
import { stringify } from "yaml";
import { renderWrittenRule } from "../../call/written-rule.ts";
import type { PolicyJson } from "../../../policy/policy.ts";

/**
 * JSON if the path says so, otherwise YAML with `comment`, one line, before it. Reading it back gives the
 * same rules.
 */
export function renderConfig({ egress }: Pick<PolicyJson, "egress">, path: string, comment: string): string {
  // No word of the list speaks of requests.
  const firstAllowed =
    egress.findLastIndex(({ action, http }) => action === "deny" || http !== undefined) + 1;
  const ordered = egress.slice(0, firstAllowed);
  const allow = egress.slice(firstAllowed).flatMap(renderWrittenRule);
  const config = { ...(ordered.length === 0 ? {} : { egress: ordered }), allow };
  return path.endsWith(".json")
    ? `${JSON.stringify(config, null, 2)}\n`
    : `# ${comment}\n${stringify(config)}`;
}
