/**
 * What becomes of the output where its reader is slow or gone, or the disk is full: pipes and devices are
 * real, the sidecar is not.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandResult, runCommand } from "../../src/netns/command.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const RULES = Array.from({ length: 4_000 }, (_, n) => ({ action: "allow", target: `n${n}.example.org` }));
const POLICY = {
  status: "ok",
  mode: "deny_all",
  enforcementMode: "dns+nft",
  policy: { defaultAction: "deny", egress: RULES },
};

let folder: string;
let socket: string;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-output-"));
  socket = join(folder, "egress.sock");
  server = createServer((_, answer) => {
    answer.setHeader("Content-Type", "application/json");
    answer.end(JSON.stringify(POLICY));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(socket, resolve);
  await promise;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true });
});

/** `script` finds the program as `egress`, and a pipe without a reader as descriptor 6. */
async function shell(script: string): Promise<CommandResult> {
  const setUp = `egress() { "$NODE" "$MAIN" "$@"; }
    mkfifo "$0" && exec 5<>"$0" 6>"$0" && exec 5<&- && rm "$0"`;
  const env = {
    PATH: process.env["PATH"],
    NODE: process.execPath,
    MAIN,
    OPENSANDBOX_EGRESS_SOCKET: socket,
  };
  return runCommand(["sh", "-c", `${setUp}\n${script}`, join(folder, "fifo")], { env });
}

test("a policy of 4,000 rules is whole for a reader that is slow, and the end is in order", async () => {
  const { stdout, stderr } = await shell(
    `{ egress policy get --json; echo "code $?" >&2; } | { sleep 1; cat; }`,
  );
  expect(stderr).toBe("code 0\n");
  expect(JSON.parse(stdout)).toEqual(POLICY);
});

const COMMANDS = [
  "help",
  "--version",
  "policy --help",
  "policy get",
  "policy get --json",
  "doctor --help",
  "run --help",
];

test.each(COMMANDS)("egress %s ends with 74 where the disk is full", async (command) => {
  expect(await shell(`egress ${command} >/dev/full`)).toMatchObject({ exitCode: 74, stderr: "" });
});

test.each(COMMANDS)("egress %s ends with 141, without a word, where nobody reads it", async (command) => {
  expect(await shell(`egress ${command} >&6`)).toMatchObject({ exitCode: 141, stderr: "" });
});

test.each(["/dev/full", "&6"])(
  "a warning that cannot be written to %s takes nothing from the exit code",
  async (to) => {
    expect(await shell(`egress nonsense 2>${to}`)).toMatchObject({ exitCode: 64 });
    expect(await shell(`egress policy get --json 2>${to} | wc -l`)).toMatchObject({ exitCode: 0 });
  },
);

test("a start that is refused says why to a slow reader, too", async () => {
  const start = "OPENSANDBOX_EGRESS_MODE=nft egress serve --strict";
  const { stdout } = await shell(`{ ${start} 2>&1; echo "code $?"; } | { sleep 1; cat; }`);
  expect(stdout).toMatch(/OPENSANDBOX_EGRESS_MODE .*\n(.*\n)*code 78\n$/);
});
