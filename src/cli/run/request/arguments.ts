/** The command line of `egress run`, read into a policy and a command. */
import { parseArgs } from "node:util";
import { parsePolicyJson } from "../../../policy/parse-policy.ts";
import { DENY_ALL, type Policy } from "../../../policy/policy.ts";
import { accepted, refused, refusedAll, type Result } from "../../../policy/problem.ts";
import {
  findRules,
  readDefault,
  readFileOf,
  readRules,
  type ReadText,
  RULE_OPTIONS,
  type WrittenRule,
} from "../../call/rules.ts";

export interface RunRequest {
  readonly policy: Policy;
  readonly command: readonly [string, ...string[]];
}

/**
 * Reads the arguments after `run`; `"help"` or `"clean"` when they ask for that. Rules of the command line come first, in their order, then the
 * file's. `readText` gives a file's text and may throw.
 */
export function parseRunArguments(
  argv: readonly string[],
  readText: ReadText,
): Result<RunRequest | "help" | "clean"> {
  const end = argv.indexOf("--");
  const own = end === -1 ? argv : argv.slice(0, end);
  const [program, ...args] = end === -1 ? [] : argv.slice(end + 1);
  const options = readOptions(own);
  if (!options.ok) return options;
  if (options.value.help) return accepted("help");
  if (options.value.clean) return accepted("clean");
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
  readonly clean: boolean;
  readonly rules: readonly WrittenRule[];
  readonly policyFile: string | undefined;
  readonly defaultAction: string | undefined;
}

function readOptions(argv: readonly string[]): Result<Options> {
  try {
    const { values, tokens } = parseArgs({
      args: [...argv],
      tokens: true,
      options: {
        ...RULE_OPTIONS,
        policy: { type: "string" },
        default: { type: "string" },
        help: { type: "boolean", short: "h" },
        clean: { type: "boolean" },
      },
    });
    return accepted({
      help: values.help ?? false,
      clean: values.clean ?? false,
      rules: findRules(tokens),
      policyFile: values.policy,
      defaultAction: values.default,
    });
  } catch (error) {
    // node:util says what is wrong, a first line for people and then advice on its own API
    const [message] = (error instanceof Error ? error.message : String(error)).split("\n");
    return refused(`${message ?? ""}; the command to run goes last, after --`);
  }
}

/** A blank file says nothing: everything is denied. */
function readPolicyFile(path: string, readText: ReadText): Result<Policy> {
  const policy = readFileOf("--policy", path, readText, parsePolicyJson);
  if (!policy.ok) return policy;
  return accepted(policy.value === "blank" ? DENY_ALL : policy.value);
}
