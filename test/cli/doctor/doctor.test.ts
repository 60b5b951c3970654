import { expect, test } from "vitest";
import { parseDoctorArguments } from "../../../src/cli/doctor/doctor.ts";

test.each([
  [[], { canaries: [], allowedName: undefined, isOperator: false, asJson: false }],
  [
    ["--to", "203.0.113.7", "--to", "2001:db8::7", "--allowed", "Example.org", "--operator", "--json"],
    {
      canaries: ["203.0.113.7", "2001:db8::7"],
      allowedName: "example.org",
      isOperator: true,
      asJson: true,
    },
  ],
  [["-h"], "help"],
])("%j is taken", (argv, value) => {
  expect(parseDoctorArguments(argv)).toEqual({ ok: true, value });
});

test.each([
  [["--to", "example.org"]],
  [["--to", "203.0.113.0/24"]],
  [["--allowed", "a b"]],
  [["--to"]],
  [["--all"]],
  [["now"]],
])("%j is refused", (argv) => {
  expect(parseDoctorArguments(argv)).toMatchObject({ ok: false });
});
