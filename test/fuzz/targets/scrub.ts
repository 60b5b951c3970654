import { createRedactor } from "../../../src/scrub/redactor.ts";
import { formsOf } from "../../../src/scrub/secret-forms.ts";
import { createSubstituter } from "../../../src/scrub/substituter.ts";
import { findPlainly } from "../../scrub/plain-escapes.ts";
import { coverPlainly, cut, runStream, substitutePlainly } from "../../scrub/plain-models.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const MOST_TEXTS = 4;
const LETTERS = ["a", "b", "/", '"', "é", "=", "%", "\\"] as const;

/**
 * A stream that holds secrets, or placeholders, in their spellings: an octet that says how many there are, a
 * line for each, and the stream. What comes out is what a plain reading of the whole makes of it, however the
 * stream is cut.
 */
export const scrub: Target = {
  name: "scrub",
  seeds: "scrub",
  make: makeStream,
  open: async () =>
    plainChecker((input, random) => {
      const count = (input[0] ?? 0) % (MOST_TEXTS + 1);
      const lines = input.subarray(1).toString().split("\n");
      const texts = lines.slice(0, count).filter((text) => text !== "");
      const read = Buffer.from(lines.slice(count).join("\n")).toString("latin1");
      const lengths = Array.from({ length: 1 + random.below(3) }, () => random.below(12));
      return [checkRedactor(texts, read, lengths), checkSubstituter(texts, read, lengths)].join(", ");
    }),
};

function makeStream(random: Random): Buffer {
  const word = (): string => Array.from({ length: 1 + random.below(8) }, () => random.pick(LETTERS)).join("");
  const texts = Array.from({ length: random.below(MOST_TEXTS + 1) }, word);
  const spelled = texts.flatMap((text) => formsOf(text).map(({ octets }) => octets.toString()));
  const stream = Array.from({ length: random.below(12) }, () => {
    const form = spelled[random.below(spelled.length + 1)] ?? word();
    return random.once(4) ? form.slice(0, random.below(form.length + 1)) : form;
  });
  return Buffer.concat([Buffer.of(texts.length), Buffer.from([...texts, stream.join("")].join("\n"))]);
}

function checkRedactor(secrets: readonly string[], read: string, lengths: readonly number[]): string {
  const found = findPlainly(secrets, read);
  const expected = coverPlainly(found, read, (length) => "*".repeat(length));
  const given = runStream(createRedactor(secrets).openStream("stars"), cut(read, lengths));
  compare("redacted", given, expected);
  const words = runStream(createRedactor(secrets).openStream(), cut(read, lengths));
  compare(
    "redacted by words",
    words,
    coverPlainly(found, read, () => "[REDACTED]"),
  );
  return given === read ? "clean" : "redacted";
}

function checkSubstituter(placeholders: readonly string[], read: string, lengths: readonly number[]): string {
  const fillings = placeholders.map((placeholder, index) => ({ placeholder, value: `<${index}>` }));
  const stream = createSubstituter(fillings).openStream();
  const given = runStream(stream, cut(read, lengths));
  const plain = fillings.map(
    ({ placeholder, value }) => [Buffer.from(placeholder).toString("latin1"), value] as const,
  );
  compare("filled", given, substitutePlainly(new Map(plain.toReversed()), read));
  return stream.count() === 0 ? "nothing filled" : "filled";
}

function compare(what: string, given: string, expected: string): void {
  if (given !== expected)
    throw new Error(`${what}: ${JSON.stringify(given)}, plainly read ${JSON.stringify(expected)}`);
}
