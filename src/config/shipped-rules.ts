/**
 * Lists that the program ships in `rules/`, found beside the bundle, beside its folder or the sources', or
 * where the image has them.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePrefixFile } from "../policy/always-file.ts";
import { renderPrefix } from "../policy/prefix.ts";
import { renderProblems } from "../policy/problem.ts";

const OWN_PLACES = ["rules", "../rules", "../../rules"].map((place) => join(import.meta.dirname, place));
const PLACES = [...OWN_PLACES, "/var/egress/rules"];

/** The shipped folder of `deny.always` and its like; undefined if the program was copied without them. */
export function findShippedRules(): string | undefined {
  return OWN_PLACES.find((place) => existsSync(join(place, "deny.always")));
}

/**
 * The addresses to block on port 443: those given, or else the shipped list of public DoH resolvers. Throws
 * if that is missing.
 */
export async function readDohResolvers(given: readonly string[]): Promise<readonly string[]> {
  if (given.length > 0) return given;
  const parsed = parsePrefixFile("doh-resolvers", await readShipped("doh-resolvers"));
  if (!parsed.ok) throw new Error(`the shipped list cannot be read: ${renderProblems(parsed.problems)}`);
  return parsed.value.map(({ prefix }) => renderPrefix(prefix));
}

async function readShipped(name: string): Promise<string> {
  for (const place of PLACES) {
    const text = await readFile(join(place, name), "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  throw new Error(`rules/${name} is not beside the program; set OPENSANDBOX_EGRESS_DOH_BLOCKLIST`);
}
