import { expect, test } from "vitest";
import { digestBody, parseContentDigest, renderContentDigest } from "../../../src/api/auth/content-digest.ts";

/** RFC 9530, appendix D. */
const HELLO = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";

test("RFC 9530's example is read and written", () => {
  const digest = digestBody(Buffer.from('{"hello": "world"}\n'));
  expect(renderContentDigest(digest)).toBe(HELLO);
  for (const header of [HELLO, ` ${HELLO} `, `sha-512=:AAAA:, ${HELLO}`]) {
    expect(parseContentDigest(header)).toEqual(digest);
  }
});

test.each([
  "",
  "sha-256",
  "sha-256=x",
  "sha-512=:AAAA:",
  HELLO.slice(0, -1),
  HELLO.replace("=:", ":"),
  `${HELLO}, ${HELLO}`,
])("%j holds none", (header) => {
  expect(parseContentDigest(header)).toBeUndefined();
});
