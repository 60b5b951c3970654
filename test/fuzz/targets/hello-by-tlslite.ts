import { z } from "zod";
import { readFirstOctets } from "../../../src/wire-names/first-octets.ts";
import type { Shown } from "../../../src/wire-names/shown.ts";
import { parsersMissing, QUESTIONS_AT_ONCE, startParsers } from "../engine/other-parsers.ts";
import type { Checker, Target } from "../engine/target.ts";
import { makeTls } from "./first-octets.ts";

/** A hello's first name, if it has one, and whether there are more. */
const hellosShape = z.array(z.tuple([z.string().nullable(), z.boolean()])).max(1);

/**
 * A ClientHello as tlslite-ng's server reads it: what it finds in octets that are not refused is the name
 * that was judged, and it finds none in what is said to be incomplete or something else.
 */
export const helloByTlslite: Target = {
  name: "hello-by-tlslite",
  seeds: "first-octets",
  missing: parsersMissing,
  make: makeTls,
  async open(): Promise<Checker> {
    const parsers = await Promise.resolve(startParsers());
    return {
      atOnce: QUESTIONS_AT_ONCE,
      async check(input) {
        const shown = readFirstOctets(input);
        if (shown.kind === "refused") return "refused";
        const [found] = hellosShape.parse(await parsers.ask("tls", input));
        if (found === undefined) return `${shown.kind}, and no hello for tlslite-ng`;
        const [name, hasMore] = found;
        if (hasMore || shown.kind !== "tls" || name !== nameIn(shown))
          throw new Error(`shows ${JSON.stringify(shown)}, tlslite-ng reads ${JSON.stringify(found)}`);
        return name === null ? "no name in both" : "the same name in both";
      },
      [Symbol.asyncDispose]: () => parsers[Symbol.asyncDispose](),
    };
  },
};

function nameIn(shown: Extract<Shown, { kind: "tls" }>): string | null {
  return shown.name ?? null;
}
