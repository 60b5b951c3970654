/**
 * What there is to complete, read off the help texts, so that neither knows of an option that the other does
 * not.
 */
import { DOCTOR_HELP } from "../doctor/help.ts";
import { EXPLAIN_HELP } from "../explain/help.ts";
import { HELP } from "../help.ts";
import { LOG_HELP } from "../log/help.ts";
import { POLICY_HELP } from "../policy/help.ts";
import { RUN_HELP } from "../run/help.ts";
import { SERVE_HELP, TEARDOWN_HELP } from "../sidecar-help.ts";
import { STATUS_HELP } from "../status/help.ts";
import { SUGGEST_HELP } from "../suggest/help.ts";
import { TOP_HELP } from "../top/help.ts";
import { VAULT_HELP } from "../vault/help.ts";
import { COMPLETION_HELP } from "./help.ts";

export interface CommandWords {
  readonly name: string;
  readonly meaning: string;
  /** `get`, `patch` and such. */
  readonly subcommands: readonly string[];
  /** With their dashes. */
  readonly options: readonly string[];
}

/** Help texts by command. */
export const HELP_OF: Readonly<Record<string, string>> = {
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
