/** What a run says at its end: what was denied, and the options that would allow it, to be pasted. */
import { oneLine } from "../../../policy/problem.ts";
import { parseTarget } from "../../../policy/target.ts";
import { describeCause, describeSubject } from "./words.ts";
import type { Denied } from "./ledger.ts";

/**
 * What has been denied by the end: each name and address, and how many denials beyond them are only counted.
 */
export interface Outcome {
  readonly denied: readonly Denied[];
  readonly others: number;
  /** Allowed names of which no lookup was answered. */
  readonly failed: readonly string[];
}

const FLAGS_SHOWN = 40;
const SUBJECTS_SHOWN = 10;

/** Lines for people; none when all went well. */
export function renderSummary({ denied, others, failed }: Outcome): readonly string[] {
  const targets = missingTargets(denied);
  const byForm = denied.filter(({ cause }) => cause.form !== undefined);
  const byRule = denied.filter((entry) => !lacksRule(entry) && entry.cause.form === undefined);
  return [
    ...renderFlags(denied, targets),
    ...renderThose("denied by a rule", byRule),
    ...renderThose("denied, as no allowed name was shown in a form that is taken", byForm),
    ...(others === 0 ? [] : [`denied and only counted: ${others} more`]),
    ...(failed.length === 0 ? [] : [`allowed, but their lookups failed: ${firstOf(failed.map(oneLine))}`]),
  ];
}

function renderThose(what: string, entries: readonly Denied[]): readonly string[] {
  if (entries.length === 0) return [];
  return [
    `${what}: ${firstOf(entries.map((one) => `${describeSubject(one)} (${describeCause(one.cause)})`))}`,
  ];
}

/** Names and addresses that no rule allows, and that a rule can allow: each is good for `--allow`. */
export function missingTargets(denied: readonly Denied[]): readonly string[] {
  const missing = denied.filter((entry) => lacksRule(entry) && parseTarget(entry.subject).ok);
  return [...new Set(missing.map(({ subject, remedy }) => remedy ?? subject))];
}

/** No rule speaks of it, as far as is known. */
function lacksRule({ cause }: Denied): boolean {
  return cause.layer === "default" || cause.layer === undefined;
}

function renderFlags(denied: readonly Denied[], targets: readonly string[]): readonly string[] {
  if (targets.length === 0) return [];
  const shown = targets.slice(0, FLAGS_SHOWN).map((target) => `--allow ${target}`);
  const hidden = targets.length - shown.length;
  return [
    `denied ${countOf(denied)}; to allow ${targets.length === 1 ? "it" : "them"}:`,
    `  ${shown.join(" ")}${hidden === 0 ? "" : `   (and ${hidden} more)`}`,
  ];
}

/** `2 names and 1 address` that no rule allows; empty if there are none. */
export function countOf(denied: readonly Denied[]): string {
  const count = (wanted: Denied["kind"], one: string, many: string): readonly string[] => {
    const found = denied.filter((entry) => entry.kind === wanted && lacksRule(entry)).length;
    return found === 0 ? [] : [`${found} ${found === 1 ? one : many}`];
  };
  return [...count("name", "name", "names"), ...count("address", "address", "addresses")].join(" and ");
}

function firstOf(texts: readonly string[]): string {
  const hidden = texts.length - SUBJECTS_SHOWN;
  return `${texts.slice(0, SUBJECTS_SHOWN).join(", ")}${hidden <= 0 ? "" : ` and ${hidden} more`}`;
}
