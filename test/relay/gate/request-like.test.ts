import { expect, test } from "vitest";
import { createRequestLikeness } from "../../../src/relay/gate/request-like.ts";

test.each([
  [[], false],
  [[""], false],
  [['{"a":"GET / HTTP/1.1\\r\\n"}'], false],
  [['{"a', "GET ", '/"}'], false],
  [["GET / HTTP/1.1\r\n"], true],
  [["a=b"], true],
  [['{"a":1}\n'], true],
  [["{", "\r", "}"], true],
  [['{"a":1} DE'], true],
  [["{}", "DE"], true],
  [["", "G", "}"], true],
])("that %j may stand for a request: %s", (parts, isLike) => {
  const likeness = createRequestLikeness();
  for (const part of parts) likeness.add(Buffer.from(part));
  expect(likeness.isLike()).toBe(isLike);
});
