/** The command's environment without any secret in it, and a look at its arguments. */
import type { Environment } from "../../../config/environment.ts";
import { accepted, refused, type Result } from "../../../policy/problem.ts";
import { encodeOctets } from "../given/octet-text.ts";
import { createRedactor, type Redactor } from "../../../scrub/redactor.ts";
import type { HeldSecret } from "./secret-bindings.ts";

export interface HiddenEnvironment {
  readonly env: Environment;
  /** Other variables that held a secret too, which got the placeholder there as well. */
  readonly alsoHeld: readonly string[];
  /**
   * Variables that hold a secret in another spelling, in which no placeholder can stand: they are taken out.
   */
  readonly takenOut: readonly string[];
  /** Variables with the value of a short secret in them, which are as they were: it may be a word there. */
  readonly leftAsTheyAre: readonly string[];
}

/** Shorter ones stand in variables and arguments by chance: `root` in HOME, `bin` in PATH. */
const SHORTEST_HELD = 8;

export function isShort({ value }: HeldSecret): boolean {
  return value.length < SHORTEST_HELD;
}

/** They say who runs the command and where. That a short secret is the same says nothing of it. */
const OF_THE_USER: ReadonlySet<string> = new Set(
  "HOME HOSTNAME LANG LOGNAME OLDPWD PATH PWD SHELL SHLVL TERM USER".split(" "),
);

type Kept = "alsoHeld" | "takenOut" | "leftAsTheyAre" | undefined;

/**
 * A short secret is taken out of variables that are nothing but it, and out of none that a shell or login(1)
 * sets: without PATH and HOME the command would not be found, or not find its files.
 */
export function hideSecrets(env: Environment, secrets: readonly HeldSecret[]): HiddenEnvironment {
  const own = new Set(secrets.map(({ name }) => name));
  const [short, long] = [secrets.filter(isShort), secrets.filter((secret) => !isShort(secret))];
  const redactor = redactorOf(long);
  const found = Object.entries(env).map(([name, value = ""]) => ({ name, ...hideIn(name, value) }));
  const namesOf = (kind: Kept): readonly string[] =>
    found.filter((one) => one.kind === kind).map(({ name }) => name);

  function hideIn(name: string, value: string): { readonly text: string | undefined; readonly kind: Kept } {
    if (own.has(name)) return { text: undefined, kind: undefined };
    const same = OF_THE_USER.has(name) ? undefined : short.find((secret) => secret.value === value);
    const replaced = same?.placeholder ?? replaceAll(value, long);
    if (holdsAny(replaced, redactor)) return { text: undefined, kind: "takenOut" };
    if (replaced !== value) return { text: replaced, kind: "alsoHeld" };
    const isLeft = short.some((secret) => value.includes(secret.value));
    return { text: value, kind: isLeft ? "leftAsTheyAre" : undefined };
  }

  return {
    env: {
      ...Object.fromEntries(found.map(({ name, text }) => [name, text])),
      ...Object.fromEntries(secrets.map(({ name, placeholder }) => [name, placeholder])),
    },
    alsoHeld: namesOf("alsoHeld"),
    takenOut: namesOf("takenOut"),
    leftAsTheyAre: namesOf("leftAsTheyAre"),
  };
}

/**
 * The command as it is. Refused if an argument holds a secret: a shell has put it there, which took it from
 * the environment before we did.
 */
export function requireUnheld(
  command: readonly string[],
  secrets: readonly HeldSecret[],
): Result<readonly string[]> {
  const looked = secrets
    .filter((secret) => !isShort(secret))
    .map((secret) => ({ name: secret.name, redactor: redactorOf([secret]) }));
  for (const [index, text] of command.entries()) {
    const held = looked.find(({ redactor }) => holdsAny(text, redactor));
    if (held === undefined) continue;
    const where = index === 0 ? "the command's name" : `argument ${index} of the command`;
    const remedy = `sh -c '... "$${held.name}" ...', in single quotes, gets the placeholder`;
    return refused(
      `${where} holds the value of ${held.name}, which the command would read there: ${remedy}`,
      "--secret",
    );
  }
  return accepted(command);
}

/** The longest first: one secret may lie in another. */
function replaceAll(text: string, secrets: readonly HeldSecret[]): string {
  return secrets
    .toSorted((one, other) => other.value.length - one.value.length)
    .reduce((left, { value, placeholder }) => left.replaceAll(value, () => placeholder), text);
}

function redactorOf(secrets: readonly HeldSecret[]): Redactor {
  return createRedactor(secrets.map(({ value }) => value));
}

/** In any spelling. */
function holdsAny(text: string, redactor: Redactor): boolean {
  return redactor.holds(encodeOctets(text).toString("latin1"));
}
