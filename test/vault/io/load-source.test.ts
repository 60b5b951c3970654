import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Result } from "../../../src/policy/problem.ts";
import { createSourceLoader } from "../../../src/vault/io/load-source.ts";
import type { CredentialSource } from "../../../src/vault/request/vault-request.ts";
import { Secret } from "../../../src/vault/secret.ts";
import { until } from "../../support/until.ts";

const VALUE = "s3cr3t-of-the-test";
const folder = mkdtempSync(join(tmpdir(), "egress-vault-"));
afterAll(() => rmSync(folder, { recursive: true }));

const load = createSourceLoader({
  env: {
    PATH: process.env["PATH"],
    GH_TOKEN: VALUE,
    EMPTY: "",
    BLANK: " \t ",
    LINES: `${VALUE}\nx`,
    OPENSANDBOX_EGRESS_TOKEN: VALUE,
  },
});

function shown(result: Result<Secret>): string {
  return result.ok
    ? result.value.reveal()
    : `refused: ${result.problems.map(({ message }) => message).join()}`;
}

function fileOf(name: string, content: string | Uint8Array): CredentialSource {
  const path = join(folder, name);
  writeFileSync(path, content);
  return { type: "file", path, refreshAfterSeconds: undefined };
}

function shell(script: string): CredentialSource {
  return { type: "command", command: ["sh", "-c", script], refreshAfterSeconds: undefined };
}

describe("a value is read where it lies, to the last octet but one line break", () => {
  test.each<readonly [string, () => CredentialSource, string]>([
    ["inline", () => ({ type: "inline", value: new Secret(` ${VALUE}`) }), ` ${VALUE}`],
    ["env", () => ({ type: "env", variable: "GH_TOKEN" }), VALUE],
    ["a file", () => fileOf("plain", VALUE), VALUE],
    ["a file with a line break", () => fileOf("line", `${VALUE}\n`), VALUE],
    ["a file of Windows", () => fileOf("crlf", ` ${VALUE} \r\n`), ` ${VALUE} `],
    ["a command", () => shell(`printf %s '${VALUE}'`), VALUE],
    ["a command that prints a line", () => shell(`echo '${VALUE}'; echo noise >&2`), VALUE],
  ])("%s", async (_what, source, value) => {
    expect(shown(await load(source()))).toBe(value);
  });

  test("through links, as mounted secrets are", async () => {
    fileOf("target", VALUE);
    const path = join(folder, "link");
    symlinkSync("target", path);
    expect(shown(await load({ type: "file", path, refreshAfterSeconds: undefined }))).toBe(VALUE);
  });
});

describe("what gives no value is said without a part of one", () => {
  test.each<readonly [string, () => CredentialSource, string]>([
    ["no such variable", () => ({ type: "env", variable: "NOSUCH" }), "the variable is not set"],
    ["an empty variable", () => ({ type: "env", variable: "EMPTY" }), "the value of the variable is empty"],
    ["a blank variable", () => ({ type: "env", variable: "BLANK" }), "the value of the variable is blank"],
    ["a file with a blank line", () => fileOf("blank", " \n"), "the value of the file is blank"],
    ["a command that prints blanks", () => shell("echo ' '"), "the value of the command is blank"],
    [
      "a variable of two lines",
      () => ({ type: "env", variable: "LINES" }),
      "the value of the variable holds a line break, which no credential may",
    ],
    [
      "no such file",
      () => ({ type: "file", path: join(folder, "nosuch"), refreshAfterSeconds: undefined }),
      "the file cannot be read: ENOENT",
    ],
    [
      "a folder",
      () => ({ type: "file", path: folder, refreshAfterSeconds: undefined }),
      "what the path names is no regular file",
    ],
    [
      "a device",
      () => ({ type: "file", path: "/dev/zero", refreshAfterSeconds: undefined }),
      "what the path names is no regular file",
    ],
    ["an empty file", () => fileOf("empty", "\n"), "the value of the file is empty"],
    [
      "a file of two lines",
      () => fileOf("two", `${VALUE}\n\n`),
      "the value of the file holds a line break, which no credential may",
    ],
    [
      "a file that is no text",
      () => fileOf("binary", Uint8Array.of(0xff, 0xfe)),
      "the file gives no UTF-8 text",
    ],
    [
      "a large file",
      () => fileOf("large", "x".repeat((64 << 10) + 1)),
      "the file has more than 65536 octets",
    ],
    [
      "a command that fails",
      () => shell(`echo '${VALUE}'; echo '${VALUE}' >&2; exit 3`),
      "the command ended with status 3",
    ],
    [
      "a command that is killed",
      () => shell(`echo '${VALUE}'; kill -9 $$`),
      "the command was ended by SIGKILL",
    ],
    ["a command that prints nothing", () => shell("true"), "the value of the command is empty"],
    [
      "a command that prints without end",
      () => shell(`yes '${VALUE}'`),
      "the command printed more than 65536 octets",
    ],
    [
      "no such command",
      () => ({ type: "command", command: ["/no/such/program", VALUE], refreshAfterSeconds: undefined }),
      "the command cannot be started: ENOENT",
    ],
  ])("%s", async (_what, source, message) => {
    const said = shown(await load(source()));
    expect(said).toBe(`refused: ${message}`);
    expect(said).not.toContain(VALUE);
  });
});

test("a FIFO is not waited for", async () => {
  const path = join(folder, "fifo");
  execFileSync("mkfifo", [path]);
  expect(shown(await load({ type: "file", path, refreshAfterSeconds: undefined }))).toContain(
    "no regular file",
  );
});

test("a command that does not end is ended, with all that it started", async () => {
  const pids = join(folder, "pids");
  const source = shell(`sleep 1000 & echo $! > ${pids}; echo $$ >> ${pids}; wait`);
  // Until it has come so far that both are known.
  for (let commandTimeoutMs = 500; readPids(pids).length < 2; commandTimeoutMs *= 2) {
    const hasty = createSourceLoader({ env: { PATH: process.env["PATH"] }, commandTimeoutMs });
    expect(shown(await hasty(source))).toBe(
      `refused: the command took longer than ${commandTimeoutMs / 1000} s`,
    );
  }
  await until("both have ended", () => readPids(pids).every(hasEnded));
});

test("a command is over once its program is, whatever that leaves behind", async () => {
  const pids = join(folder, "left-behind");
  expect(shown(await load(shell(`sleep 1000 & echo $! > ${pids}; printf %s '${VALUE}'`)))).toBe(VALUE);
  await until("what it left behind has ended", () => readPids(pids).every(hasEnded));
  expect(readPids(pids)).toHaveLength(1);
});

test("a command gets the sidecar's environment without the sidecar's settings, and nothing to read", async () => {
  expect(shown(await load(shell('printf %s "$GH_TOKEN:$OPENSANDBOX_EGRESS_TOKEN:$(cat)"')))).toBe(
    `${VALUE}::`,
  );
});

function readPids(path: string): readonly number[] {
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
}

/** A zombie has. */
function hasEnded(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
