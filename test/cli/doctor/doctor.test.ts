import { expect, test } from "vitest";
import { parseDoctorArguments } from "../../../src/cli/doctor/doctor.ts";

test.each([
  [[], { canaries: [], isOperator: false, asJson: false }],
  [
    ["--to", "203.0.113.7", "--to", "2001:db8::7", "--operator", "--json"],
    { canaries: ["203.0.113.7", "2001:db8::7"], isOperator: true, asJson: true },
  ],
  [["-h"], "help"],
])("%j is taken", (argv, value) => {
  expect(parseDoctorArguments(argv)).toEqual({ ok: true, value });
});

test.each([[["--to", "example.org"]], [["--to", "203.0.113.0/24"]], [["--to"]], [["--all"]], [["now"]]])(
  "%j is refused",
  (argv) => {
    expect(parseDoctorArguments(argv)).toMatchObject({ ok: false });
  },
);
