import { describe, expect, test } from "vitest";
import { createCurrentRedactor } from "../../src/scrub/current-redactor.ts";
import { createRedactor } from "../../src/scrub/redactor.ts";
import type { Fill } from "../../src/scrub/spans.ts";

const [FIRST, SECOND, THIRD] = [["old-s3cr3t"], ["new-s3cr3t"], ["third-s3cr3t"]].map(createRedactor);

/** What a stream gives of the pieces; before each the redactor of now may become another. */
function run(pieces: readonly (readonly [now: typeof FIRST, text: string])[], fill?: Fill): string {
  if (FIRST === undefined) throw new TypeError("there is one");
  let now = FIRST;
  const stream = createCurrentRedactor(FIRST, () => now).openStream(fill);
  const given = pieces.map(([next = now, text]) => {
    now = next;
    return stream.push(Buffer.from(text));
  });
  return Buffer.concat([...given, stream.end()]).toString();
}

describe("a stream", () => {
  test("loses what is secret now, and what was when it began, however it is cut", () => {
    expect(
      run([
        [FIRST, "old-s3cr3t new-s3cr3t\nnew-s3"],
        [SECOND, "cr3t old-s3"],
        [SECOND, "cr3t new-s3cr3t"],
      ]),
    ).toBe("[REDACTED] new-s3cr3t\n[REDACTED] [REDACTED] [REDACTED]");
  });

  test("goes over to yet another without a lost or doubled octet", () => {
    expect(
      run([
        [FIRST, "a new-s3"],
        [SECOND, "cr3 b third-"],
        [THIRD, "s3cr3t old-"],
        [THIRD, "s3cr3t third-s3cr3t new-s3cr3t\n"],
        [FIRST, "third-s3cr3t old-s3cr3t"],
      ]),
    ).toBe("a new-s3cr3 b [REDACTED] [REDACTED] [REDACTED] new-s3cr3t\nthird-s3cr3t [REDACTED]");
  });

  test("keeps its length with stars", () => {
    expect(
      run(
        [
          [FIRST, "old-s3cr3t"],
          [SECOND, " new-s3cr3t"],
        ],
        "stars",
      ),
    ).toBe("********** **********");
  });
});

test("a text loses both", () => {
  if (FIRST === undefined || SECOND === undefined) throw new TypeError("there are");
  const redactor = createCurrentRedactor(FIRST, () => SECOND);
  expect(redactor.redact("old-s3cr3t, new-s3cr3t")).toBe("[REDACTED], [REDACTED]");
  expect(["old-s3cr3t", "new-s3cr3t", "x"].map(redactor.holds)).toEqual([true, true, false]);
});
