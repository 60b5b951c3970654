import { expect, test } from "vitest";
import { runCli } from "../../src/cli/main.ts";
import { HELP_OF } from "../../src/cli/completion/words.ts";
import { HELP } from "../../src/cli/help.ts";
import { VERSION } from "../../src/sidecar/version.ts";

async function egress(...argv: string[]): Promise<{ exitCode: number; printed: string; warned: string }> {
  let printed = "";
  let warned = "";
  const exitCode = await runCli(argv, {
    env: {},
    program: ["egress"],
    print: (text) => void (printed += text),
    warn: (text) => void (warned += text),
  });
  return { exitCode, printed, warned };
}

test.each([[[]], [["--help"]], [["-h"]], [["help"]]])("egress %j prints the help", async (argv) => {
  const { exitCode, printed, warned } = await egress(...argv);
  expect({ exitCode, warned }).toEqual({ exitCode: 0, warned: "" });
  expect(printed).toMatch(/^egress - .*\n\nUsage: egress COMMAND/);
});

test.each(["serve", "teardown"])(
  "egress %s --help is about that command, and says how it exits",
  async (command) => {
    for (const option of ["--help", "-h"]) {
      const { exitCode, printed, warned } = await egress(command, option);
      expect({ exitCode, warned }).toEqual({ exitCode: 0, warned: "" });
      expect(printed.startsWith(`egress ${command} - `)).toBe(true);
      expect(printed).toContain("\nExit: 0 ");
    }
  },
);

test("egress --version prints the version", async () => {
  expect(await egress("--version")).toEqual({ exitCode: 0, printed: `egress ${VERSION}\n`, warned: "" });
});

test.each([
  [["serv"], 'egress: there is no command "serv"; "egress --help" lists what there is\n'],
  [["--verbose"], 'egress: there is no command "--verbose"; "egress --help" lists what there is\n'],
  [
    ["serve", "now"],
    'egress: serve takes --strict and nothing else, given "now"; "egress --help" lists what there is\n',
  ],
  [
    ["teardown", "-f"],
    'egress: teardown takes no arguments, given "-f"; "egress --help" lists what there is\n',
  ],
])("egress %j is refused with exit 64", async (argv, warned) => {
  expect(await egress(...argv)).toEqual({ exitCode: 64, printed: "", warned });
});

test("egress run --help explains run", async () => {
  const { exitCode, printed } = await egress("run", "--help");
  expect(exitCode).toBe(0);
  expect(printed).toContain("egress run [OPTIONS] -- COMMAND");
});

test("egress run with a bad command line says so and does nothing", async () => {
  const { exitCode, printed, warned } = await egress("run", "--allow", "*", "--", "true");
  expect({ exitCode, printed }).toEqual({ exitCode: 125, printed: "" });
  expect(warned).toMatch(/^egress run: --allow "\*": .*\n$/);
});

test("no line of a help text is wider than 110 columns", () => {
  const long = Object.entries({ ...HELP_OF, egress: HELP }).flatMap(([name, text]) =>
    text.split("\n").flatMap((line) => (line.length > 110 ? [`${name}: ${line}`] : [])),
  );
  expect(long).toEqual([]);
});
