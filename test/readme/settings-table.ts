/** The table of settings, as the code has it. */
import type { Variable } from "../../src/config/variable.ts";
import { VARIABLES } from "../../src/config/variables.ts";
import type { Row } from "./markdown.ts";

/** One row a variable: name, default, meaning. */
export function settingsRows(): readonly Row[] {
  return Object.values<Variable<unknown>>(VARIABLES).map((variable) => [
    `\`${variable.name}\``,
    WORDS.has(variable.default) ? variable.default : `\`${variable.default}\``,
    variable.meaning,
  ]);
}

/** Defaults that describe, where others are the text that stands for an unset variable. */
const WORDS: ReadonlySet<string> = new Set(["none", "resolv.conf", "off"]);
