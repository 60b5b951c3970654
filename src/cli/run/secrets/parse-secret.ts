/** The values of `--secret` and `--secret-command`: which variable, for which hosts, in which header. */
import { accepted, type Problem, quote, refused, type Result } from "../../../policy/problem.ts";
import { parseHostPattern, renderHostPattern } from "../../../vault/host-pattern.ts";

export interface AskedSecret {
  /** The variable that the command gets a placeholder in. */
  readonly name: string;
  /** At least one, in canonical form: `api.example.org`, `*.example.org`. */
  readonly hosts: readonly string[];
  /** Set on every request. Undefined: filled in whatever header the command puts the placeholder into. */
  readonly header: string | undefined;
  /** A shell's command line that prints the value. Undefined: the value is our environment's. */
  readonly command: string | undefined;
}

const USAGE = "give NAME@HOST, NAME@HOST,HOST or NAME@HOST:HEADER";

/** `NAME@host[,host][:header]`. */
export function parseSecret(text: string): Result<AskedSecret> {
  const at = text.indexOf("@");
  const [name, place] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  // Not shown: it may be the secret.
  if (name.includes("="))
    return refused(
      "a value has no place on the command line, since the shell's history and ps show it: give NAME@HOST, and NAME is read from the environment",
      "--secret",
    );
  if (place === undefined) return refused(`${quote(text)} names no host: ${USAGE}`, "--secret");
  return parsePlace({ name, place, command: undefined }, "--secret");
}

/** `NAME@host[,host][:header]=COMMAND`. */
export function parseSecretCommand(text: string): Result<AskedSecret> {
  const [, name, place, command] = /^([^@=]*)@([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || place === undefined || command === undefined)
    return refused(`${USAGE}, then = and the command that prints the value`, "--secret-command");
  if (command.trim() === "") return refused(`${quote(name)} has no command behind =`, "--secret-command");
  return parsePlace({ name, place, command }, "--secret-command");
}

interface Written {
  readonly name: string;
  readonly place: string;
  readonly command: string | undefined;
}

function parsePlace({ name, place, command }: Written, option: string): Result<AskedSecret> {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return refused(`${quote(name)} is no name of a variable: ${USAGE}`, option);
  if (name.startsWith("OPENSANDBOX_"))
    return refused(`${quote(name)} is a setting of the sidecar, which the command does not get`, option);
  const [list = "", ...headers] = place.split(":");
  if (headers.length > 1) return refused(`${quote(place)} has more than one colon: ${USAGE}`, option);
  const hosts: string[] = [];
  for (const one of list.split(",")) {
    const host = parseHostPattern(one);
    if (!host.ok) return refused(textOf(host.problems), option);
    hosts.push(renderHostPattern(host.value));
  }
  const header = parseHeader(headers[0]);
  if (!header.ok) return refused(textOf(header.problems), option);
  return accepted({ name, hosts: [...new Set(hosts)], header: header.value, command });
}

function parseHeader(text: string | undefined): Result<string | undefined> {
  if (text === undefined) return accepted(undefined);
  if (/^\d+$/.test(text.trim()))
    return refused(
      `${quote(text)} is a port: secrets go to port 443 of a host, and behind the colon stands a header`,
    );
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(text)
    ? accepted(text)
    : refused(`${quote(text)} is no header name`);
}

function textOf(problems: readonly Problem[]): string {
  return problems.map(({ message }) => message).join("; ");
}
