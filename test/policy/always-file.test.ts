import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseAlwaysFile, parseNameFile, parsePrefixFile } from "../../src/policy/always-file.ts";
import { type Result, renderProblems } from "../../src/policy/problem.ts";
import type { Target } from "../../src/policy/target.ts";
import { anyText } from "./arbitraries.ts";
import { valueOf } from "../support/policy.ts";

function keys(result: Result<readonly Target[]>): readonly string[] {
  return valueOf(result).map(({ key }) => key);
}

function problems(result: Result<unknown>): string {
  return result.ok ? "" : renderProblems(result.problems);
}

test("one target a line; comments, blank lines, CRLF and a byte order mark are fine", () => {
  const text =
    "\uFEFF# all\r\n\r\n  Example.ORG. \r\n*.example.org # below\n\t192.0.2.7/24#near\n\n2001:db8::7";
  expect(keys(parseAlwaysFile("deny.always", text))).toEqual([
    "example.org",
    "*.example.org",
    "192.0.2.0/24",
    "2001:db8::7",
  ]);
});

test("an empty file and one of comments hold nothing", () => {
  expect(keys(parseAlwaysFile("deny.always", ""))).toEqual([]);
  expect(keys(parseAlwaysFile("deny.always", "# a\n#b"))).toEqual([]);
});

test("every bad line is named by file, line and reason", () => {
  const text = "example.org\r\n*\r\n\r\n10.0.0.0/33 # too long\r\n";
  expect(problems(parseAlwaysFile("allow.always", text))).toBe(
    'allow.always:2: "*" matches no name: write *.example.org for names below one, or use defaultAction for every other name; ' +
      'allow.always:4: prefix length "33" must be a number from 0 to 32',
  );
});

test.each([
  "db.example.org:5432",
  "192.0.2.0/24:53/udp",
  "[2001:db8::7]:8000-8080",
  "*:25",
  "a.example/icmp",
])("%s speaks of some ports or a protocol, and is refused with its line and what to write", (line) => {
  expect(problems(parseAlwaysFile("deny.always", `example.org\n${line} # some\n`))).toBe(
    `deny.always:2: "${line}" is a rule for some ports or a protocol, and only whole targets count here: write the target alone, or the rule with its ports into the policy`,
  );
});

test("a file of names has no addresses, and a file of addresses no names", () => {
  expect(keys(parseNameFile("log_skip.always", "example.org\n*.example.org\n"))).toEqual([
    "example.org",
    "*.example.org",
  ]);
  expect(problems(parseNameFile("log_skip.always", "example.org\n192.0.2.0/24\n*"))).toMatch(
    /^log_skip\.always:2: "192\.0\.2\.0\/24" is an address, and only names count here; log_skip\.always:3: /,
  );
  expect(keys(parsePrefixFile("doh-resolvers", "192.0.2.7\n2001:db8::/32"))).toEqual([
    "192.0.2.7",
    "2001:db8::/32",
  ]);
  expect(problems(parsePrefixFile("doh-resolvers", "dns.example\n"))).toBe(
    'doh-resolvers:1: "dns.example" is a name, and only addresses count here',
  );
});

test("no text throws", () => {
  fc.assert(
    fc.property(
      fc.array(anyText).map((lines) => lines.join("\n")),
      (text) => {
        for (const parse of [parseAlwaysFile, parseNameFile, parsePrefixFile]) {
          expect(problems(parse("x.always", text))).not.toMatch(/[\r\n\0]/);
        }
      },
    ),
  );
});
