/**
 * Which generation a flow belongs to. The number stands in these chains and nowhere else: a policy change
 * replaces their few rules, however many others there are.
 */
import { begunMark, pendingMark, shownMark, unnamedMark, verifiedMark } from "../flow-marks.ts";
import type { Chain, GenerationRule, Rule } from "../ruleset.ts";
import type { NamesInput, RulesetInput } from "../ruleset-input.ts";
import { AS_AWAITED_CHAIN, VERIFIED_CHAIN } from "./awaited-answer.ts";

export const CURRENT_CHAIN = "current";

/** Admits the flow under the generation that is in force. */
export const ADMIT = "jump admit";

/** Accepts what belongs to a flow that this generation has admitted; all others are judged again. */
export const ACCEPT_CURRENT: Rule = {
  statements: `jump ${CURRENT_CHAIN}`,
  comment: "flows admitted under this generation; others are judged again",
};

export function generationChains({ generation, names }: RulesetInput): readonly Chain[] {
  const current = names === undefined ? [generation] : [generation, verifiedMark(generation)];
  return [
    toChain(
      CURRENT_CHAIN,
      current.map((mark) => ({ kind: "established", mark, verdict: "accept" })),
    ),
    toChain("admit", [{ kind: "set", mark: generation, verdict: "accept" }]),
    ...(names === undefined ? [] : namesOf(generation, names)),
  ];
}

/** See `name-chains.ts`. */
function namesOf(generation: number, { judgesAnswers }: NamesInput): readonly Chain[] {
  const [pending, begun] = [pendingMark(generation), begunMark(generation)];
  const [shown, unnamed] = [shownMark(generation), unnamedMark(generation)];
  return [
    toChain("unverified", [
      { kind: "match", mark: pending, verdict: "pending" },
      { kind: "match", mark: begun, verdict: "pending" },
      { kind: "match", mark: shown, verdict: "pending" },
      { kind: "match", mark: unnamed, verdict: "pending_unnamed" },
    ]),
    toChain("unnamed", [{ kind: "match", mark: unnamed, verdict: "accept" }]),
    toChain("admit_unnamed", [{ kind: "set", mark: unnamed, verdict: "accept" }]),
    toChain(VERIFIED_CHAIN, [{ kind: "set", mark: verifiedMark(generation), verdict: "accept" }]),
    toChain("admit_begun", [{ kind: "set", mark: begun, verdict: "accept" }]),
    toChain("begin", [{ kind: "set", mark: pending, verdict: "pending" }]),
    toChain("go_on", [{ kind: "set", mark: begun, verdict: "pending" }]),
    ...(judgesAnswers
      ? [toChain("hello_answered", [{ kind: "match", mark: shown, verdict: AS_AWAITED_CHAIN }])]
      : []),
  ];
}

function toChain(name: string, ofGeneration: readonly GenerationRule[]): Chain {
  return { name, ofGeneration, rules: ofGeneration.map(toRule) };
}

const MARKS = { established: "ct state established ct mark", match: "ct mark", set: "ct mark set" } as const;

function toRule({ kind, mark, verdict }: GenerationRule): Rule {
  return { statements: `${MARKS[kind]} ${mark} ${verdict === "accept" ? verdict : `goto ${verdict}`}` };
}
