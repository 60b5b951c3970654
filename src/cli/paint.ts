import type { CliContext } from "./context.ts";

/**
 * Colours for people: on a terminal, unless NO_COLOR is set (no-color.org). Given text must be fit for one:
 * {@link oneLine}.
 */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  doubtful(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

const PLAIN: Paint = {
  good: (text) => text,
  bad: (text) => text,
  doubtful: (text) => text,
  strong: (text) => text,
  faint: (text) => text,
};

const COLOURS: Paint = {
  good: (text) => `\u001B[32m${text}\u001B[39m`,
  bad: (text) => `\u001B[31m${text}\u001B[39m`,
  doubtful: (text) => `\u001B[33m${text}\u001B[39m`,
  strong: (text) => `\u001B[1m${text}\u001B[22m`,
  faint: (text) => `\u001B[2m${text}\u001B[22m`,
};

export function choosePaint({ isTerminal = false, env }: Pick<CliContext, "isTerminal" | "env">): Paint {
  const { NO_COLOR: noColour = "", TERM: term } = env;
  return isTerminal && noColour === "" && term !== "dumb" ? COLOURS : PLAIN;
}
