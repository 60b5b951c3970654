/** The command line of `egress run`, read into a policy and a command. */
import { parseArgs } from "node:util";
import { parsePolicyJson } from "../../policy/parse-policy.ts";
import { DENY_ALL, type Policy } from "../../policy/policy.ts";
import {
  accepted,
  type Problem,
  quote,
  refused,
  refusedAll,
  type Result,
  strictly,
} from "../../policy/problem.ts";
import { type Action, parseAction, type Rule } from "../../policy/rule.ts";
import { parseTarget } from "../../policy/target.ts";

export interface RunRequest {
  readonly policy: Policy;
  readonly command: readonly [string, ...string[]];
}

/**
 * Reads the arguments after `run`; `"help"` when they ask for it. Rules of the command line come first, in their order, then the
 * file's. `readText` gives a file's text and may throw.
 */
export function parseRunArguments(
  argv: readonly string[],
  readText: (path: string) => string,
): Result<RunRequest | "help"> {
  const end = argv.indexOf("--");
  const own = end === -1 ? argv : argv.slice(0, end);
  const [program, ...args] = end === -1 ? [] : argv.slice(end + 1);
  const options = readOptions(own);
  if (!options.ok) return options;
  if (options.value.help) return accepted("help");
  if (program === undefined)
    return refused("no command: put it last, after --, as in: egress run -- curl ...");

  const rules = readRules(options.value.rules);
  const file =
    options.value.policyFile === undefined
      ? accepted(DENY_ALL)
      : readPolicyFile(options.value.policyFile, readText);
  const action = readDefault(options.value.defaultAction);
  const problems = [rules, file, action].flatMap((result) => (result.ok ? [] : result.problems));
  if (!rules.ok || !file.ok || !action.ok) return refusedAll(problems);
  return accepted({
    policy: {
      defaultAction: action.value ?? file.value.defaultAction,
      egress: [...rules.value, ...file.value.egress],
    },
    command: [program, ...args],
  });
}

interface Options {
  readonly help: boolean;
  readonly rules: readonly { readonly action: Action; readonly target: string }[];
  readonly policyFile: string | undefined;
  readonly defaultAction: string | undefined;
}

function readOptions(argv: readonly string[]): Result<Options> {
  try {
    const { values, tokens } = parseArgs({
      args: [...argv],
      tokens: true,
      options: {
        allow: { type: "string", multiple: true },
        deny: { type: "string", multiple: true },
        policy: { type: "string" },
        default: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    const rules = tokens.flatMap((token) => {
      if (token.kind !== "option" || (token.name !== "allow" && token.name !== "deny")) return [];
      return [{ action: token.name, target: token.value ?? "" } as const];
    });
    return accepted({
      help: values.help ?? false,
      rules,
      policyFile: values.policy,
      defaultAction: values.default,
    });
  } catch (error) {
    // node:util says what is wrong, a first line for people and then advice on its own API
    const [message] = (error instanceof Error ? error.message : String(error)).split("\n");
    return refused(`${message ?? ""}; the command to run goes last, after --`);
  }
}

function readRules(written: Options["rules"]): Result<readonly Rule[]> {
  const rules: Rule[] = [];
  const problems: Problem[] = [];
  for (const { action, target } of written) {
    const parsed = parseTarget(target);
    if (parsed.ok) rules.push({ action, target: parsed.value });
    else problems.push(...placed(parsed.problems, `--${action} ${quote(target)}`));
  }
  return problems.length === 0 ? accepted(rules) : refusedAll(problems);
}

function readPolicyFile(path: string, readText: (path: string) => string): Result<Policy> {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error), `--policy ${path}`);
  }
  const policy = strictly(parsePolicyJson(text));
  if (!policy.ok) return refusedAll(placed(policy.problems, `--policy ${path}`));
  return accepted(policy.value === "blank" ? DENY_ALL : policy.value);
}

function readDefault(text: string | undefined): Result<Action | undefined> {
  if (text === undefined) return accepted(undefined);
  const action = text.trim() === "" ? undefined : parseAction(text);
  return action === undefined
    ? refused(`${quote(text)} is neither allow nor deny`, "--default")
    : accepted(action);
}

function placed(problems: readonly Problem[], place: string): readonly Problem[] {
  return problems.map(({ path, message }) => ({ path: path === "" ? place : `${place}: ${path}`, message }));
}
