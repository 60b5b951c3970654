/** The options of `egress run`, as they were written. */
import { parseArgs } from "node:util";
import { accepted, refused, type Result } from "../../../policy/problem.ts";
import { findRules, RULE_OPTIONS, splitList, type WrittenRule } from "../../call/rules.ts";

/** A rule, or the name of a preset whose rules stand in its place. */
export type Written = WrittenRule | { readonly preset: string };

export interface Options {
  readonly help: boolean;
  readonly clean: boolean;
  /** In the order in which they were written. */
  readonly written: readonly Written[];
  readonly configFile: string | undefined;
  /** False if no file is to be looked for. */
  readonly findsConfig: boolean;
  readonly defaultAction: string | undefined;
  readonly dryRun: boolean;
  /** Whom the command is to be. */
  readonly user: string | undefined;
  readonly telling: Telling;
  readonly audit: Audit | undefined;
  /** As they were written. */
  readonly secrets: readonly string[];
  readonly secretCommands: readonly string[];
}

/** Nothing is denied, and what was tried is printed. */
export interface Audit {
  /** Where the rules for it are written. */
  readonly saveTo: string | undefined;
  /** Whether rules are for the ports that were tried. */
  readonly ports: boolean;
}

/** What a run prints, where, and what comes of it. */
export interface Telling {
  readonly isQuiet: boolean;
  readonly asJson: boolean;
  /** Where the sidecar's log goes. */
  readonly logFile: string | undefined;
  /** Whether a denial is a failure of the run. */
  readonly failsOnDeny: boolean;
}

const OPTIONS = {
  ...RULE_OPTIONS,
  preset: { type: "string", multiple: true },
  secret: { type: "string", multiple: true },
  "secret-command": { type: "string", multiple: true },
  config: { type: "string" },
  policy: { type: "string" },
  "no-config": { type: "boolean" },
  default: { type: "string" },
  user: { type: "string" },
  "dry-run": { type: "boolean" },
  quiet: { type: "boolean", short: "q" },
  json: { type: "boolean" },
  log: { type: "string" },
  "fail-on-deny": { type: "boolean" },
  audit: { type: "boolean" },
  save: { type: "string" },
  ports: { type: "boolean" },
  clean: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export function readOptions(argv: readonly string[]): Result<Options> {
  try {
    const { values, tokens } = parseArgs({ args: [...argv], tokens: true, options: OPTIONS });
    // --policy is what --config was called when it took JSON alone.
    const files = [values.config, values.policy].filter((file) => file !== undefined);
    if (files.length + (values["no-config"] === true ? 1 : 0) > 1)
      return refused("--config, --policy and --no-config: give one of them");
    const audit = readAudit(values);
    if (!audit.ok) return audit;
    return accepted({
      help: values.help ?? false,
      clean: values.clean ?? false,
      written: tokens.flatMap((token): readonly Written[] =>
        token.kind === "option" && token.name === "preset"
          ? splitList(token.value ?? "").map((preset) => ({ preset }))
          : findRules([token]),
      ),
      configFile: files[0],
      findsConfig: values["no-config"] !== true,
      defaultAction: values.default,
      dryRun: values["dry-run"] ?? false,
      user: values.user,
      secrets: values.secret ?? [],
      secretCommands: values["secret-command"] ?? [],
      audit: audit.value,
      telling: {
        isQuiet: values.quiet ?? false,
        asJson: values.json ?? false,
        logFile: values.log,
        failsOnDeny: values["fail-on-deny"] ?? false,
      },
    });
  } catch (error) {
    return refused(describeMistake(error, argv));
  }
}

function readAudit({
  audit,
  save,
  ports,
}: {
  readonly audit?: boolean | undefined;
  readonly save?: string | undefined;
  readonly ports?: boolean | undefined;
}): Result<Audit | undefined> {
  if (audit === true) return accepted({ saveTo: save, ports: ports ?? false });
  if (save !== undefined) return refused("--save writes what --audit has seen: give that, too");
  if (ports === true) return refused("--ports is for the rules that --audit prints: give that, too");
  return accepted(undefined);
}

/** node:util says what is wrong, a first line for people and then advice on its own API. */
function describeMistake(error: unknown, argv: readonly string[]): string {
  const [message = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  const [, program] = /^Unexpected argument '([^']*)'/.exec(message) ?? [];
  if (program === undefined) return `${message}; the command to run goes last, after --`;
  const at = argv.indexOf(program);
  const command = argv.slice(at, at + 3).join(" ");
  return `"${program}" is no option; a command goes last, after --: egress run ... -- ${command}`;
}
