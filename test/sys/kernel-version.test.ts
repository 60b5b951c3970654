import { expect, test } from "vitest";
import { isKernelAtLeast } from "../../src/sys/kernel-version.ts";

test.each([
  ["6.18.44-fc", true],
  ["6.3.0", true],
  ["7.0.1", true],
  ["10.1", true],
  ["6.2.99-generic", false],
  ["5.15.0-91-generic", false],
  ["2.6.40", false],
  ["unknown", false],
])("the release %s is 6.3 or later: %s", (text, expected) => {
  expect(isKernelAtLeast(6, 3, text)).toBe(expected);
});
