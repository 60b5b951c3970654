/**
 * Which generation a flow belongs to. The number stands in these two chains and nowhere else, so that a change of policy
 * exchanges two rules, whatever else there is.
 */
import { verifiedMark } from "../flow-marks.ts";
import type { Chain, Rule } from "../ruleset.ts";
import type { RulesetInput } from "../ruleset-input.ts";

export const CURRENT_CHAIN = "current";
export const ADMIT_CHAIN = "admit";

/** Takes the flow in under the generation that is in force. */
export const ADMIT = `jump ${ADMIT_CHAIN}`;

/** Accepts what belongs to a flow that this generation has admitted; others are judged again. */
export const ACCEPT_CURRENT: Rule = {
  statements: `jump ${CURRENT_CHAIN}`,
  comment: "flows admitted under this generation; others are judged again",
};

export function generationChains({ generation, names }: RulesetInput): readonly Chain[] {
  const marks = names === undefined ? `${generation}` : `{ ${generation}, ${verifiedMark(generation)} }`;
  return [
    { name: CURRENT_CHAIN, rules: [{ statements: `ct state established ct mark ${marks} accept` }] },
    { name: ADMIT_CHAIN, rules: [{ statements: `ct mark set ${generation} accept` }] },
  ];
}
