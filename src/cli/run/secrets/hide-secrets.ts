/** The command's environment without any secret in it, and a look at its arguments. */
import type { Environment } from "../../../config/environment.ts";
import { accepted, refused, type Result } from "../../../policy/problem.ts";
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
}

export function hideSecrets(env: Environment, secrets: readonly HeldSecret[]): HiddenEnvironment {
  const own = new Set(secrets.map(({ name }) => name));
  const redactor = redactorOf(secrets);
  const alsoHeld: string[] = [];
  const takenOut: string[] = [];
  const hidden = Object.entries(env).map(([name, value = ""]) => {
    if (own.has(name)) return [name, undefined] as const;
    const replaced = replaceAll(value, secrets);
    if (replaced !== value) alsoHeld.push(name);
    if (!holdsAny(replaced, redactor)) return [name, replaced] as const;
    takenOut.push(name);
    return [name, undefined] as const;
  });
  const placeholders = secrets.map(({ name, placeholder }) => [name, placeholder] as const);
  return { env: { ...Object.fromEntries(hidden), ...Object.fromEntries(placeholders) }, alsoHeld, takenOut };
}

/** Shorter ones stand in arguments by chance. */
const SHORTEST_HELD = 8;

/**
 * The command as it is. Refused if an argument holds a secret: a shell has put it there, which took it from
 * the environment before we did.
 */
export function requireUnheld(
  command: readonly string[],
  secrets: readonly HeldSecret[],
): Result<readonly string[]> {
  const looked = secrets
    .filter(({ value }) => value.length >= SHORTEST_HELD)
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
  return redactor.holds(Buffer.from(text).toString("latin1"));
}
