/**
 * The same octets go to the kernel on x86-64 and arm64: what differs between them comes from Node, and calls
 * by number are only those that every architecture numbers alike.
 */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Flags of open(2) that asm/fcntl.h of arm64 gives other numbers. */
const DIFFERENT = /\bO_(?:DIRECT|DIRECTORY|LARGEFILE|NOFOLLOW|TMPFILE)\s*=\s*-?\d/;
/** From here on a new system call has one number everywhere (since Linux 5.1). */
const FIRST_SHARED_NUMBER = 424;

const ROOT = `${import.meta.dirname}/../..`;
const sources = globSync("src/**/*.ts", { cwd: ROOT }).map((path) => ({
  path,
  text: readFileSync(`${ROOT}/${path}`, "utf8"),
}));

/** The numbers of system calls that a text has. */
function callNumbers(text: string): readonly number[] {
  return [...text.matchAll(/\b(?:SYS|__NR)_\w+\s*=\s*(\d+)/g)].map(([, number]) => Number(number));
}

test("flags of open(2) that differ are Node's", () => {
  expect(DIFFERENT.test("const O_DIRECTORY = 0o200000;")).toBe(true);
  expect(sources.filter(({ text }) => DIFFERENT.test(text)).map(({ path }) => path)).toEqual([]);
});

test("system calls by number have the same one everywhere", () => {
  expect(sources.flatMap(({ text }) => callNumbers(text))).toContain(436);
  const others = sources.filter(({ text }) =>
    callNumbers(text).some((number) => number < FIRST_SHARED_NUMBER),
  );
  expect(others.map(({ path }) => path)).toEqual([]);
});
