/** `egress completion`: what makes a shell complete commands and options. */
import { oneLine, quote } from "../../policy/problem.ts";
import { refuseUsage } from "../call/call-sidecar.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { COMPLETION_HELP } from "./help.ts";
import { type CommandWords, FILE_OPTIONS, listCommands, WORD_OPTIONS } from "./words.ts";

const WRITERS: Readonly<Record<string, (commands: readonly CommandWords[]) => readonly string[]>> = {
  bash: writeBash,
  zsh: writeZsh,
  fish: writeFish,
};

export async function completion([shell, ...more]: readonly string[], context: CliContext): Promise<number> {
  if (shell === "--help" || shell === "-h") {
    context.print(COMPLETION_HELP);
    return EXIT.ok;
  }
  const write = shell === undefined || !Object.hasOwn(WRITERS, shell) ? undefined : WRITERS[shell];
  if (write === undefined || more.length > 0) {
    const given =
      shell === undefined ? "no shell is named" : `${quote([shell, ...more].join(" "))} is no shell`;
    const message = `${given}: give one of ${Object.keys(WRITERS).join(", ")}`;
    return refuseUsage([{ path: "", message }], "egress completion", context);
  }
  context.print(`${write(listCommands()).join("\n")}\n`);
  return EXIT.ok;
}

function namesOf(commands: readonly CommandWords[]): string {
  return commands.map(({ name }) => name).join(" ");
}

/** The words of a command that may come next. */
function wordsOf({ subcommands, options }: CommandWords): string {
  return [...subcommands, ...options].join(" ");
}

function writeBash(commands: readonly CommandWords[]): readonly string[] {
  return [
    "_egress() {",
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words="" i',
    "  COMPREPLY=()",
    "  if ((COMP_CWORD == 1)); then",
    `    COMPREPLY=($(compgen -W "${namesOf(commands)} --help --version" -- "$cur"))`,
    "    return",
    "  fi",
    "  if [[ ${COMP_WORDS[1]} == run ]]; then",
    "    for ((i = 2; i < COMP_CWORD; i++)); do",
    '      if [[ ${COMP_WORDS[i]} == -- ]]; then COMPREPLY=($(compgen -c -f -- "$cur")); return; fi',
    "    done",
    "  fi",
    "  case $prev in",
    `    ${FILE_OPTIONS.join("|")}) COMPREPLY=($(compgen -f -- "$cur")); return ;;`,
    ...Object.entries(WORD_OPTIONS).map(
      ([option, words]) =>
        `    ${option}) COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$cur")); return ;;`,
    ),
    "  esac",
    "  case ${COMP_WORDS[1]} in",
    ...commands.map((command) => `    ${command.name}) words="${wordsOf(command)}" ;;`),
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    "}",
    "complete -F _egress egress",
  ];
}

function writeZsh(commands: readonly CommandWords[]): readonly string[] {
  return [
    "#compdef egress",
    "_egress() {",
    "  if (( CURRENT == 2 )); then",
    `    compadd -- ${namesOf(commands)} --help --version`,
    "    return",
    "  fi",
    "  if [[ $words[2] == run && ${words[(i)--]} -lt CURRENT ]]; then _normal -p egress; return; fi",
    "  case $words[CURRENT-1] in",
    `    ${FILE_OPTIONS.join("|")}) _files; return ;;`,
    ...Object.entries(WORD_OPTIONS).map(
      ([option, words]) => `    ${option}) compadd -- ${words.join(" ")}; return ;;`,
    ),
    "  esac",
    "  case $words[2] in",
    ...commands.map((command) => `    ${command.name}) compadd -- ${wordsOf(command)} ;;`),
    "  esac",
    "}",
    "compdef _egress egress",
  ];
}

function writeFish(commands: readonly CommandWords[]): readonly string[] {
  return [
    "complete -c egress -f",
    ...commands.flatMap(({ name, meaning, subcommands, options }) => {
      const after = `complete -c egress -n '__fish_seen_subcommand_from ${name}'`;
      return [
        `complete -c egress -n __fish_use_subcommand -a ${name} -d ${quoted(meaning)}`,
        ...(subcommands.length === 0 ? [] : [`${after} -a '${subcommands.join(" ")}'`]),
        ...options.map((option) => `${after} -l ${option.slice(2)}${fishValue(option)}`),
      ];
    }),
  ];
}

function quoted(text: string): string {
  return `'${oneLine(text).replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}

/** What follows an option: nothing, a file, or a word. */
function fishValue(option: string): string {
  if (FILE_OPTIONS.includes(option)) return " -r -F";
  const words = WORD_OPTIONS[option];
  return words === undefined ? "" : ` -x -a '${words.join(" ")}'`;
}
