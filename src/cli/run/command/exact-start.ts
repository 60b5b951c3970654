/**
 * How the command is started with its arguments and variables, octet for octet. Shells stand before it, and a
 * shell hands on only variables whose names are its own kind of words, and changes those that it uses itself
 * (`IFS`, `PPID`, `PWD`). So its variables pass them under names of ours, `_1` and so on, and env(1) gives
 * each its own: what `env -S` is given has `${_1}` in place of the value. A value in the arguments of a
 * program would be seen by every user of the machine. The shell reads all of it from a descriptor.
 */
import type { Environment } from "../../../config/environment.ts";
import type { Argv } from "../../../netns/command.ts";
import { accepted, quote, refused, type Result } from "../../../policy/problem.ts";
import { type ExecLimits, sizeOnExec } from "../../../sys/exec-limits.ts";
import { encodeOctets } from "../given/octet-text.ts";

/** Where they are. */
export interface StartTools {
  readonly env: string;
  readonly setpriv: string;
}

export interface ExactStart {
  /** Starts the command, where `passed` is in the environment. */
  readonly argv: readonly Buffer[];
  readonly passed: readonly Passed[];
}

interface Passed {
  /** The command's. */
  readonly name: string;
  /** The shells'. */
  readonly alias: string;
  readonly value: Buffer;
}

/** What is in the environment of the shells themselves. */
const OF_SHELLS = ["PATH", "PWD", "OLDPWD", "SHLVL", "_"];

/** Of the text for one env(1), in octets; below what one argument may have. */
const MOST_OF_TEXT = 100_000;

/** Values that are undefined are no variables. */
export function planStart(command: Argv, env: Environment, tools: StartTools): ExactStart {
  const passed = Object.entries(env).flatMap(([name, value], index) =>
    value === undefined ? [] : [{ name, alias: `_${index}`, value: encodeOctets(value) }],
  );
  const renaming = renderRenaming(passed).flatMap((text) => [
    Buffer.from(tools.env),
    Buffer.from("-S"),
    text,
  ]);
  // env(1) would take it for a variable.
  const under = command[0].includes("=") ? [tools.setpriv, "--"] : [];
  return { argv: [...renaming, ...[...under, ...command].map(encodeOctets)], passed };
}

/** Several, if there are too many variables for one; only the first finds what the shells have. */
function renderRenaming(passed: readonly Passed[]): readonly Buffer[] {
  const texts: Buffer[] = [];
  let removed = OF_SHELLS.map((name) => `-u${name}`);
  let set: Buffer[] = [];
  let size = 0;
  const flush = (): void => {
    const words = [...removed, "--"].join(" ");
    texts.push(Buffer.concat([Buffer.from(words), ...set]));
    [removed, set, size] = [[], [], 0];
  };
  for (const { name, alias } of passed) {
    const [unset, word] = [`-u${alias}`, encodeOctets(` ${quoteForEnv(`${name}=`)}\${${alias}}`)];
    const length = unset.length + 1 + word.length;
    if (set.length > 0 && size + length > MOST_OF_TEXT) flush();
    removed.push(unset);
    set.push(word);
    size += length;
  }
  flush();
  return texts;
}

/** For `. FILE` of a shell, whose own arguments then are the command line; what it exports belongs to it. */
export function renderStart({ argv, passed }: ExactStart): Buffer {
  return Buffer.concat([
    Buffer.from("set -a\n"),
    ...passed.flatMap(({ alias, value }) => [
      Buffer.from(`${alias}=`),
      quoteForShell(value),
      Buffer.from("\n"),
    ]),
    Buffer.from("set +a\nset --"),
    ...argv.flatMap((word) => [Buffer.from(" "), quoteForShell(word)]),
    Buffer.from("\n"),
  ]);
}

/** Refused is what the kernel would refuse (E2BIG), once all is set up. */
export function requireStartable({ argv, passed }: ExactStart, limits: ExecLimits): Result<undefined> {
  const isTooLong = ({ alias, value }: Passed): boolean => alias.length + 1 + value.length > limits.longest;
  const tooLong = passed.find(isTooLong);
  if (tooLong !== undefined)
    return refused(
      `the variable ${quote(tooLong.name)} has ${tooLong.value.length} octets: the kernel takes no longer ones here, so unset it`,
    );
  if (argv.some((word) => word.length > limits.longest))
    return refused(
      `an argument of the command has more than ${limits.longest} octets, which the kernel does not take: hand it over in a file`,
    );
  const lengths = passed.map(({ alias, value }) => alias.length + 1 + value.length);
  const size = sizeOnExec([...argv.map(({ length }) => length), ...lengths]) + OF_OTHERS;
  if (size <= limits.total) return accepted(undefined);
  const [largest] = passed.toSorted((one, other) => other.value.length - one.value.length);
  const hint = largest === undefined ? "" : ` (${quote(largest.name)} has ${kib(largest.value.length)})`;
  return refused(
    `the command's arguments and environment are ${kib(size)} at its start, and the kernel takes ${kib(limits.total)}: unset variables${hint}, or raise ulimit -s`,
  );
}

/** What the shells have themselves, and the path of the program, in octets. */
const OF_OTHERS = 4096;

function kib(octets: number): string {
  return `${Math.ceil(octets / 1024)} KiB`;
}

function quoteForShell(octets: Buffer): Buffer {
  if (!octets.includes("'")) return Buffer.concat([MARK, octets, MARK]);
  return Buffer.from(`'${octets.toString("latin1").replaceAll("'", String.raw`'\''`)}'`, "latin1");
}

const MARK = Buffer.from("'");

/** As `env -S` reads it. */
function quoteForEnv(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
