/**
 * What there is to complete, read off the help texts, so that neither knows of an option that the other does
 * not.
 */
import {
  COMPLETION_HELP,
  DOCTOR_HELP,
  EXPLAIN_HELP,
  HELP,
  LOG_HELP,
  POLICY_HELP,
  RUN_HELP,
  STATUS_HELP,
  SUGGEST_HELP,
  TOP_HELP,
  VAULT_HELP,
} from "../help.ts";
import { SERVE_HELP, TEARDOWN_HELP } from "../sidecar-help.ts";

export interface CommandWords {
  readonly name: string;
  readonly meaning: string;
  /** `get`, `patch` and such. */
  readonly subcommands: readonly string[];
  /** With their dashes. */
  readonly options: readonly string[];
}

const HELP_OF: Readonly<Record<string, string>> = {
  run: RUN_HELP,
  policy: POLICY_HELP,
  vault: VAULT_HELP,
  status: STATUS_HELP,
  log: LOG_HELP,
  explain: EXPLAIN_HELP,
  suggest: SUGGEST_HELP,
  top: TOP_HELP,
  doctor: DOCTOR_HELP,
  completion: COMPLETION_HELP,
  serve: SERVE_HELP,
  teardown: TEARDOWN_HELP,
};

/** Options whose value is a file, and those whose value is one of few words. */
export const FILE_OPTIONS: readonly string[] = ["--file", "-f", "--socket", "--policy", "--config"];
export const WORD_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  "--default": ["allow", "deny"],
  "--protocol": ["tcp", "udp", "icmp"],
};

export function listCommands(): readonly CommandWords[] {
  return Array.from(HELP.matchAll(/^ {2}([a-z]+) +(.*)$/gm), ([, name = "", meaning = ""]) => {
    const help = HELP_OF[name] ?? "";
    return { name, meaning, subcommands: subcommandsOf(name, help), options: optionsOf(help) };
  });
}

function optionsOf(help: string): readonly string[] {
  const found = Array.from(help.matchAll(/^ {2}(--[a-z-]+)/gm), ([, option = ""]) => option);
  return [...new Set([...found, "--help"])];
}

function subcommandsOf(name: string, help: string): readonly string[] {
  if (name === "completion") return ["bash", "zsh", "fish"];
  if (name !== "policy" && name !== "vault") return [];
  const found = Array.from(
    help.matchAll(/egress (?:policy|vault) ([a-z]+)/g),
    ([, subcommand = ""]) => subcommand,
  );
  return [...new Set(found)];
}
