import { expect, test } from "vitest";
import { isAmbiguousPath, otherReadings } from "../../src/policy/ambiguous-path.ts";

test.each([
  "/v1/../admin",
  "/v1/..",
  "/v1/./a",
  "/..;/admin",
  "/v1/..;x=1/admin",
  "/v1/%2e%2e/admin",
  "/v1/.%2E/admin",
  "/v1/%2e%2e%2fadmin",
  "/v1/..%2fadmin",
  "/v1%2f..%2fadmin",
  "/v1/%2e%2e%3b/admin",
  "/v1/%252e%252e/admin",
  "/v1/%252fadmin",
  "/v1/%25252fadmin",
  "/v1/%25%32%65%25%32%65/admin",
  "/v1/%252%65%252%65/admin",
  "/v1/%25%32%66admin",
  "/v1/%25%35%63admin",
  "/v1\\..\\admin",
  "/v1/..%5cadmin",
  "/v1/%5Cadmin",
  "/v1/%c0%ae%c0%ae/admin",
  "/v1/%e0%80%ae%e0%80%ae/admin",
  "/v1/%F0%80%80%AE/admin",
  "/v1/%u002e%u002e/admin",
  "/v1/%zz",
  "/v1/%",
  "/v1/%00",
  "/v1/%0d%0a",
  "//b.example.org/x",
])("%s is ambiguous", (path) => {
  expect(isAmbiguousPath(path)).toBe(true);
});

test.each([
  "/",
  "/v1/a.b/..c/...",
  "/v1/a%20b",
  "/repos/a%2Fb",
  "/100%25",
  "/%E4%BD%A0",
  "/a;b=c",
  "/a//b",
  "/.well-known/x",
])("%s is not", (path) => {
  expect(isAmbiguousPath(path)).toBe(false);
});

test.each([
  ["/repos/a", []],
  ["/%72epos/%41%5f%7E%2D%39", ["/repos/A_~-9"]],
  ["/a%20b%2B%40%7B%60%5B", []],
  ["/repos%2Fa", ["/repos/a"]],
  ["/repos//a", ["/repos/a"]],
  ["/repos;x/a", ["/repos/a"]],
  ["/repos/a%3Bx", ["/repos/a"]],
  ["/;/admin/x", ["//admin/x", "/admin/x"]],
  ["/;a=b/admin/x", ["//admin/x", "/admin/x"]],
  ["/%3b/admin/x", ["//admin/x", "/admin/x"]],
  ["/secret/;x/", ["/secret//", "/secret/"]],
  ["/repos%2f/a;x", ["/repos//a;x", "/repos/a;x", "/repos/a"]],
])("%s may also be read as %j", (path, readings) => {
  expect(otherReadings(path)).toEqual(readings);
});
