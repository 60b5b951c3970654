/**
 * The protocol that a connection has to speak for a rule with `app` to allow it. TCP alone; what is spoken is
 * read off the client's first octets, see `src/wire-names`.
 *
 * `any` asks for nothing: not for a protocol, nor for a name.
 */
import { type Problem, type Result, accepted, quote, refused } from "./problem.ts";

/** What a connection can be told to speak. */
export const SPOKEN_APPS = ["tls", "http", "ssh", "postgres"] as const;
export type SpokenApp = (typeof SPOKEN_APPS)[number];

/** What one speaks: `other` is none of these, as far as it can be read. */
export type Spoken = SpokenApp | "other";

/** What a rule may ask for. */
export const APPS = [...SPOKEN_APPS, "any"] as const;
export type App = (typeof APPS)[number];

/** Whether what a connection speaks has to be known for it to pass by such a rule. */
export function asksForApp(app: App | undefined): app is SpokenApp {
  return app !== undefined && app !== "any";
}

/** Whether a rule speaks of a connection; undefined: it is not known yet what that speaks, so it may. */
export function holdsApp(app: App | undefined, spoken: Spoken | undefined): boolean {
  return spoken === undefined || !asksForApp(app) || app === spoken;
}

/** As it was sent: in any case, blanks around it do not count. */
export function parseApp(text: string | null | undefined): Result<App | undefined> {
  if (text === null || text === undefined) return accepted(undefined);
  const plain = text.trim().toLowerCase();
  const found = APPS.find((app) => app === plain);
  return found === undefined
    ? refused(`${quote(text)} is no app, must be ${SPOKEN_APPS.join(", ")} or any`, "app")
    : accepted(found);
}

/** A rule that denies cannot have one: what it is to hold back would have passed in part by then. */
export const APP_OF_DENIAL: Problem = {
  path: "app",
  message: "says what may be spoken, so only a rule that allows has it: deny the ports without app",
};
