/** The command line of `egress policy`, read into one call of the API. */
import { parseArgs } from "node:util";
import { parsePolicyJson, parseRulesJson, parseTargetsJson } from "../../policy/parse-policy.ts";
import { DENY_ALL, type Policy } from "../../policy/policy.ts";
import { accepted, quote, refused, refusedAll, type Result } from "../../policy/problem.ts";
import type { Removal } from "../../policy/edit.ts";
import { parseWrittenRemoval, parseWrittenRule, type WrittenRequests } from "../call/written-rule.ts";
import type { Rule } from "../../policy/rule.ts";
import { CALL_OPTIONS, type Place, readPlace, refusedByParser } from "../call/place.ts";
import {
  all,
  findRules,
  readDefault,
  readFileOf,
  readRules,
  type ReadText,
  RULE_OPTIONS,
  type WrittenRule,
} from "../call/rules.ts";

/** What is asked of the sidecar. */
type PolicyCall =
  | { readonly kind: "get" }
  | { readonly kind: "patch"; readonly rules: readonly Rule[] }
  | { readonly kind: "replace"; readonly policy: Policy }
  | { readonly kind: "delete"; readonly targets: readonly Removal[] }
  | { readonly kind: "reset" };

export interface PolicyRequest {
  readonly call: PolicyCall;
  readonly place: Place;
  readonly asJson: boolean;
  readonly dryRun: boolean;
  readonly ifMatch: string | undefined;
}

const CHANGE = { "dry-run": { type: "boolean" }, "if-match": { type: "string" } } as const;
/** Which requests to the targets. */
const REQUESTS = {
  method: { type: "string", multiple: true },
  path: { type: "string", multiple: true },
} as const;
const FILE = { file: { type: "string", short: "f" } } as const;

const OPTIONS = {
  get: CALL_OPTIONS,
  patch: { ...CALL_OPTIONS, ...CHANGE, ...FILE, ...RULE_OPTIONS },
  allow: { ...CALL_OPTIONS, ...CHANGE, ...REQUESTS },
  deny: { ...CALL_OPTIONS, ...CHANGE, ...REQUESTS },
  replace: { ...CALL_OPTIONS, ...CHANGE, ...FILE, ...RULE_OPTIONS, default: { type: "string" } },
  delete: { ...CALL_OPTIONS, ...CHANGE, ...FILE, ...REQUESTS },
  reset: { ...CALL_OPTIONS, ...CHANGE },
} as const;

type Kind = keyof typeof OPTIONS;

const TAKES_TARGETS: ReadonlySet<Kind> = new Set(["allow", "deny", "delete"]);

/**
 * Reads the arguments after `policy`; `"help"` when they ask for it. Rules of the command line come first,
 * then the file's.
 */
export function parsePolicyArguments(
  [kind = "", ...argv]: readonly string[],
  readText: ReadText,
): Result<PolicyRequest | "help"> {
  if (kind === "--help" || kind === "-h" || kind === "help") return accepted("help");
  if (!isKind(kind)) {
    const words = Object.keys(OPTIONS).join(", ");
    return refused(kind === "" ? `one of ${words} is missing` : `${quote(kind)} is none of ${words}`);
  }
  const options = readOptions(kind, argv);
  if (!options.ok) return options;
  if (options.value.help) return accepted("help");
  const call = readCall(kind, options.value, readText);
  return call.ok ? accepted({ ...options.value.request, call: call.value }) : call;
}

interface Options {
  readonly help: boolean;
  readonly request: Omit<PolicyRequest, "call">;
  readonly rules: readonly WrittenRule[];
  readonly targets: readonly string[];
  readonly requests: WrittenRequests;
  readonly file: string | undefined;
  readonly defaultAction: string | undefined;
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(OPTIONS, text);
}

function readOptions(kind: Kind, argv: readonly string[]): Result<Options> {
  // Read as if each call had all options, for the types; one that this call does not have is refused below.
  const options: (typeof OPTIONS)["replace"] & typeof REQUESTS = {
    ...OPTIONS.replace,
    ...REQUESTS,
    ...OPTIONS[kind],
  };
  try {
    const parsed = parseArgs({
      args: [...argv],
      tokens: true,
      options,
      allowPositionals: TAKES_TARGETS.has(kind),
    });
    const { values, tokens, positionals } = parsed;
    const given = tokens.find(
      (token) => token.kind === "option" && !Object.hasOwn(OPTIONS[kind], token.name),
    );
    if (given?.kind === "option") return refused(`${kind} takes no ${given.rawName}`);
    const place = readPlace(values);
    if (!place.ok) return place;
    return accepted({
      help: values.help ?? false,
      request: {
        place: place.value,
        asJson: values.json ?? false,
        dryRun: values["dry-run"] ?? false,
        ifMatch: values["if-match"],
      },
      rules: findRules(tokens),
      targets: positionals,
      requests: { methods: values.method, paths: values.path },
      file: values.file,
      defaultAction: values.default,
    });
  } catch (error) {
    return refusedByParser(error);
  }
}

function readCall(kind: Kind, options: Options, readText: ReadText): Result<PolicyCall> {
  if (kind === "patch") return readPatch(options, readText);
  if (kind === "allow" || kind === "deny") return readTargetRules(kind, options);
  if (kind === "replace") return readReplacement(options, readText);
  return kind === "delete" ? readRemoval(options, readText) : accepted({ kind });
}

function readPatch(options: Options, readText: ReadText): Result<PolicyCall> {
  const rules = joined(readRules(options.rules), readFile(options, readText, parseRulesJson, []));
  if (!rules.ok) return rules;
  if (rules.value.length === 0) return refused("no rules: give --allow, --deny or --file");
  return accepted({ kind: "patch", rules: rules.value });
}

/** `allow` and `deny` with their targets. */
function readTargetRules(action: "allow" | "deny", { targets, requests }: Options): Result<PolicyCall> {
  if (targets.length === 0) return refused(`no targets: name what to ${action}`);
  const rules = all(targets.map((text) => parseWrittenRule(action, text, requests)));
  return rules.ok ? accepted({ kind: "patch", rules: rules.value }) : rules;
}

function readRemoval(options: Options, readText: ReadText): Result<PolicyCall> {
  const targets = joined(readTargets(options), readFile(options, readText, parseTargetsJson, []));
  if (!targets.ok) return targets;
  if (targets.value.length === 0) return refused("no targets: name them, or give --file");
  return accepted({ kind: "delete", targets: targets.value });
}

function readReplacement(options: Options, readText: ReadText): Result<PolicyCall> {
  const { rules: written, file, defaultAction } = options;
  if (written.length === 0 && file === undefined && defaultAction === undefined) {
    return refused(
      "no policy: give --file, --default, --allow or --deny; to deny everything: egress policy reset",
    );
  }
  const rules = readRules(written);
  const base = readFile(options, readText, parsePolicyJson, DENY_ALL);
  const action = readDefault(defaultAction);
  const problems = [rules, base, action].flatMap((result) => (result.ok ? [] : result.problems));
  if (!rules.ok || !base.ok || !action.ok) return refusedAll(problems);
  const policy = {
    defaultAction: action.value ?? base.value.defaultAction,
    egress: [...rules.value, ...base.value.egress],
  };
  return accepted({ kind: "replace", policy });
}

function readTargets({ targets, requests }: Options): Result<readonly Removal[]> {
  return all(targets.map((text) => parseWrittenRemoval(text, requests)));
}

/** Reads `--file`, `none` if there is none. A blank file is a slip, not a wish. */
function readFile<T>(
  { file }: Options,
  readText: ReadText,
  parse: (text: string) => Result<T | "blank">,
  none: T,
): Result<T> {
  if (file === undefined) return accepted(none);
  const parsed = readFileOf("--file", file, readText, parse);
  if (!parsed.ok) return parsed;
  return parsed.value === "blank" ? refused("is blank", `--file ${file}`) : accepted(parsed.value);
}

function joined<T>(one: Result<readonly T[]>, other: Result<readonly T[]>): Result<readonly T[]> {
  const both = all([one, other]);
  return both.ok ? accepted(both.value.flat()) : both;
}
