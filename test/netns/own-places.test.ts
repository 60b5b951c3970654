/**
 * Programs of ours that tests start see nothing of a sidecar of the machine: running, killed, or its folder
 * alone.
 */
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandResult, requireCommand, runCommand } from "../../src/netns/command.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import { MAIN } from "../support/tested-program.ts";

const KINDS = ["live", "dead"] as const;

/** What a sidecar leaves in its folder, dead or alive. */
let folders: Readonly<Record<(typeof KINDS)[number], string>>;
const made = new AsyncDisposableStack();
beforeAll(async () => {
  const parent = await mkdtemp(join(tmpdir(), "egress-machine-"));
  made.defer(() => rm(parent, { recursive: true, force: true }));
  folders = { live: join(parent, "live"), dead: join(parent, "dead") };
  for (const folder of Object.values(folders)) await mkdir(folder);
  const server = createServer((_request, response) => response.writeHead(418).end("the machine's"));
  server.listen(join(folders.live, "egress.sock"));
  await once(server, "listening");
  made.defer(() => void server.close());
  const bind = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])";
  await requireCommand(["python3", "-c", bind, join(folders.dead, "egress.sock")]);
});
afterAll(() => made.disposeAsync());

/**
 * A machine with an empty rule folder and $0 as the sidecar's folder, played by mounts that end with the
 * command.
 */
const MACHINE = `mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var && mkdir -p /run/opensandbox /var/egress/rules &&
mount --bind "$0" /run/opensandbox && exec "$@"`;

function onMachine(kind: (typeof KINDS)[number], argv: readonly string[]): Promise<CommandResult> {
  const env = { PATH: process.env["PATH"] };
  return runCommand(["unshare", "--mount", "sh", "-c", MACHINE, folders[kind], ...argv], { env });
}

const STATUS = [process.execPath, MAIN, "status"] as const;

test.each(KINDS)(
  "a program that a test starts finds no socket and no rules of a %s sidecar",
  async (kind) => {
    const list = ["find", "/run/opensandbox", "/var/egress"] as const;
    expect((await onMachine(kind, list)).stdout).toContain("/egress.sock\n/var/egress\n/var/egress/rules\n");
    expect(await onMachine(kind, withOwnPlaces(list))).toMatchObject({
      exitCode: 0,
      stdout: "/run/opensandbox\n/var/egress\n",
    });
  },
);

test.each([
  ["live", "the machine's"],
  ["dead", "ECONNREFUSED"],
] as const)(
  "its command asks at the default path, where a %s sidecar of the machine is not",
  async (kind, told) => {
    expect((await onMachine(kind, STATUS)).stderr).toContain(told);
    const { exitCode, stderr } = await onMachine(kind, withOwnPlaces(STATUS));
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 69, stderr: expect.stringContaining("ENOENT") });
  },
);

test("a machine without these places stays without them", async () => {
  const script = 'mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var && exec "$@"';
  const list = withOwnPlaces(["find", "/run", "/var"]);
  const { stdout } = await runCommand(["unshare", "--mount", "sh", "-c", script, "sh", ...list]);
  expect(stdout).toMatch(/^\/run$/m);
  expect(stdout).not.toMatch(/opensandbox|egress/);
});
