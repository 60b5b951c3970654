/** Where this process was started. */
import { readlinkSync } from "node:fs";
import { accepted, quote, refused, type Result } from "../../../policy/problem.ts";
import { decodeOctets } from "./octet-text.ts";

/**
 * A path, undefined if it has been deleted. Refused: one that is not UTF-8, as Node names another place then:
 * its policy file would not be found.
 */
export function findWorkingDirectory(): Result<string | undefined> {
  try {
    const shown = process.cwd();
    if (!shown.includes("\ufffd")) return accepted(shown);
    const exact = decodeOctets(readlinkSync("/proc/self/cwd", { encoding: "buffer" }));
    if (exact.isWellFormed()) return accepted(shown);
    return refused(
      `${quote(exact)} is not UTF-8: rename it, or start the run in another folder`,
      "the working directory",
    );
  } catch {
    return accepted(undefined);
  }
}
