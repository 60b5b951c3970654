import { expect, test } from "vitest";
import { findCommandUser } from "../../../../src/cli/run/command/command-user.ts";

// By this machine's getent, which takes each of these as the number of somebody whom it knows.
test.each([
  "4294967296",
  "18446744073709551616",
  "-4294967296",
  "-0",
  "+0",
  "+5",
  " 5",
  "\t0",
  "4294967301",
  "-4294967291",
  "99999999999",
])('"%s" is no uid', (asked) => {
  expect(findCommandUser(asked, {})).toMatchObject({ ok: false, problems: [{ path: "--user" }] });
});

test.each(["4294967295", "4294967296:0", "0:4294967296", "0:+0", "0: 0"])('"%s" is no user', (asked) => {
  expect(findCommandUser(asked, {})).toMatchObject({ ok: false });
});

test.each(["0", "00", "root", "0:0"])('"%s" is root', (asked) => {
  expect(findCommandUser(asked, {})).toEqual({ ok: true, value: undefined });
});

test.each(["5", "005", "5:60"])('"%s" is the user with that number', (asked) => {
  expect(findCommandUser(asked, {})).toMatchObject({ ok: true, value: { uid: 5, gid: 60 } });
});

test("a name of digits and something else is a name", () => {
  const asked: string[] = [];
  const result = findCommandUser("5th", {}, (program, ...args) => {
    asked.push([program, ...args].join(" "));
    return program === "getent" ? "5th:x:2000:2001:::\n" : "2001";
  });
  expect(result).toMatchObject({ ok: true, value: { uid: 2000, gid: 2001 } });
  expect(asked).toEqual(["getent passwd -- 5th", "id -G -- 5th"]);
});
