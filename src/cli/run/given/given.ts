/**
 * What this process was started with, octet for octet: see `octet-text.ts`. Node shows what is not UTF-8 as
 * U+FFFD, and the shell that starts Node hands on no variable whose name is not a shell's, and others with
 * values of its own (`node`, `IFS`, `PPID`).
 */
import { closeSync, readFileSync } from "node:fs";
import type { Environment } from "../../../config/environment.ts";
import { takeVariable } from "../../../config/start-variables.ts";
import { createMemoryFile } from "../../../sys/memory-file.ts";
import { keepOverExec } from "../../../sys/inherited.ts";
import { decodeOctets } from "./octet-text.ts";

export interface Given {
  /** From the command on: `run`, its options, the command that it is to run. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** How many entries of the environment are no variables; the command does not get them. */
  readonly nameless: number;
}

type Parsed = Pick<Given, "env" | "nameless">;

/**
 * The variables in which a start is handed what it cannot have otherwise; the process id tells one's own from
 * those of another process above it. `egress.mjs` sets `PREFIX_1` and so on: the environment as the shell got
 * it, in pieces of base64.
 */
const PREFIX = `EGRESS_GIVEN_${process.pid}`;

/**
 * `argv` and `env` are what Node says of them. Takes what was handed to this process out of its environment.
 */
export function takeGiven(argv: readonly string[], env: Environment): Given {
  const handed = takeVariable(PREFIX);
  if (handed !== undefined) return takeHanded(Number(handed));
  const pieces: string[] = [];
  for (;;) {
    const piece = takeVariable(`${PREFIX}_${pieces.length + 1}`);
    if (piece === undefined) break;
    pieces.push(piece);
  }
  const octets = pieces.length > 0 ? Buffer.from(pieces.join(""), "base64") : readOwn("environ");
  const parsed = octets === undefined ? { env, nameless: 0 } : parseEnvironment(octets);
  return { argv: exactArguments(argv), ...parsed };
}

/**
 * For this program in this same process, by execve(2): what it will take. Gives the variable that leads to
 * it. Throws SystemCallError.
 */
export function handGiven(given: Given): readonly [name: string, value: string] {
  const file = createMemoryFile("egress-given");
  // JSON escapes the lone surrogates.
  file.append(JSON.stringify(given));
  keepOverExec(file.fd);
  return [PREFIX, String(file.fd)];
}

function takeHanded(fd: number): Given {
  const text = readFileSync(fd, "utf8");
  closeSync(fd);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is our own, written by `handGiven`
  return JSON.parse(text) as Given;
}

/**
 * Of two variables of one name the first, as getenv(3) does. What has no name, or no `=`, is no variable:
 * nothing that starts programs by name and value can hand it on.
 */
export function parseEnvironment(octets: Buffer): Parsed {
  const variables = new Map<string, string>();
  let nameless = 0;
  for (const entry of split(octets)) {
    const end = entry.indexOf("=");
    const name = decodeOctets(entry.subarray(0, Math.max(end, 0)));
    if (name === "") nameless += 1;
    else if (!variables.has(name)) variables.set(name, decodeOctets(entry.subarray(end + 1)));
  }
  return { env: Object.fromEntries(variables), nameless };
}

/** Node's own arguments come before them. */
function exactArguments(argv: readonly string[]): readonly string[] {
  if (!argv.some((text) => text.includes("\ufffd"))) return argv;
  const all = split(readOwn("cmdline") ?? Buffer.alloc(0));
  const own = all.slice(all.length - argv.length);
  // Of whatever else stands there, Node's text is still right for what is UTF-8.
  const isSame = own.length === argv.length && own.every((one, index) => one.toString() === argv[index]);
  return isSame ? own.map(decodeOctets) : argv;
}

/** Each octet 0 ends one. */
function split(octets: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < octets.length;) {
    const end = octets.indexOf(0, at);
    const until = end === -1 ? octets.length : end;
    found.push(octets.subarray(at, until));
    at = until + 1;
  }
  return found;
}

function readOwn(name: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/self/${name}`);
  } catch {
    return undefined; // there is no /proc, without which there is no run either
  }
}
