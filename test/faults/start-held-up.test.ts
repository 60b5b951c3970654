/**
 * Places of a start at which something could hold it up for ever: it goes on, or says why, and SIGTERM ends
 * it at once.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { execIn, spawnIn } from "../../src/netns/namespace.ts";
import { runProgram } from "../support/program.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
beforeEach(async () => {
  await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
});

const DEFAULT_SOCKET = { OPENSANDBOX_EGRESS_DNS_UPSTREAM: "192.0.2.1" };

/** `egress serve` after a preparation in mounts of its own, to its end. */
async function serveAfter(preparation: string, env: Record<string, string> = DEFAULT_SOCKET) {
  const under = ["unshare", "--mount", "sh", "-c", `${preparation} && exec "$@"`, "sh"];
  return runProgram(lab.sandbox, ["serve"], { under, env });
}

test("a read-only place for the socket is told with the remedy", async () => {
  expect(await serveAfter("mount -t tmpfs -o ro none /run")).toMatchObject({
    exitCode: 78,
    stderr:
      "egress: the API cannot listen on /run/opensandbox/egress.sock: read-only: mount a tmpfs there or set OPENSANDBOX_EGRESS_SOCKET=\n",
  });
});

test("a folder below which nothing can be made is told, and not tried for ever", async () => {
  // The folder behind the mount is gone, as after an unmount at the wrong moment: nothing can be made in it.
  const gone = "mkdir /tmp/gone.$$ && mount --bind /tmp/gone.$$ /mnt && rmdir /tmp/gone.$$";
  const socket = { ...DEFAULT_SOCKET, OPENSANDBOX_EGRESS_SOCKET: "/mnt/opensandbox/egress.sock" };
  expect(await serveAfter(gone, socket)).toMatchObject({
    exitCode: 78,
    stderr: expect.stringMatching(
      /^egress: the API cannot listen on \/mnt\/opensandbox\/egress\.sock: ENOENT/m,
    ),
  });
  const below = { ...DEFAULT_SOCKET, OPENSANDBOX_EGRESS_SOCKET: "/proc/opensandbox/egress.sock" };
  expect(await serveAfter("true", below)).toMatchObject({
    exitCode: 78,
    stderr: expect.stringMatching(/\/proc\/opensandbox/),
  });
});

test.each([
  ["policy file", "OPENSANDBOX_EGRESS_POLICY_FILE"],
  ["log output", "OPENSANDBOX_LOG_OUTPUT"],
])("a FIFO as %s holds nobody up", async (_what, name) => {
  const fifo = join(lab.stateFolder, "fifo");
  await execIn(lab.sandbox, ["mkfifo", fifo]);
  await using sidecar = await lab.startSidecar({ env: { [name]: fifo }, awaitHealth: false });
  const health = await until("it answers", () => sidecar.api("GET", "/healthz").catch(() => undefined));
  expect(health).toMatchObject({ status: 503, text: expect.stringContaining(fifo) });
  expect(await sidecar.kill()).toEqual({ exitCode: 0, signal: undefined });
  await rm(fifo);
});

test("SIGTERM is heard while the start waits for nft, and leaves the rules in the kernel", async () => {
  const first = await lab.startSidecar();
  await first.kill("SIGKILL");
  const rules = async (): Promise<string> => (await execIn(lab.sandbox, ["nft", "list", "tables"])).stdout;
  const before = await rules();
  const bin = join(lab.stateFolder, "hanging");
  await mkdir(bin, { recursive: true });
  const mark = join(bin, "started");
  await writeFile(join(bin, "nft"), `#!/bin/sh\n: >${mark}\nexec sleep 60\n`, { mode: 0o755 });
  const env = {
    ...DEFAULT_SOCKET,
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    OPENSANDBOX_EGRESS_SOCKET: "",
  };
  const child = spawnIn(lab.sandbox, [process.execPath, MAIN, "serve"], { env });
  child.stdout.resume();
  child.stderr.resume();
  await until("nft is asked", async () => (await execIn(lab.sandbox, ["test", "-e", mark])).exitCode === 0);
  process.kill(child.pid, "SIGTERM");
  // Not heard, it would end with 78 once nft is given up.
  expect(await child.end).toEqual({ exitCode: 0, signal: undefined });
  expect(before).toContain("table inet opensandbox");
  expect(await rules()).toBe(before);
});

test("SIGTERM at any moment of the start ends it with the rules that were there", async () => {
  const env = { ...DEFAULT_SOCKET, PATH: process.env["PATH"], OPENSANDBOX_EGRESS_SOCKET: "" };
  for (let turn = 0; turn < 8; turn++) {
    const child = spawnIn(lab.sandbox, [process.execPath, MAIN, "serve"], { env });
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    // Later and later, until the last ones come after the start.
    await new Promise((resolve) => setTimeout(resolve, 150 * turn));
    process.kill(child.pid, "SIGTERM");
    const { exitCode, signal } = await child.end;
    // Before the program listens for signals, the signal ends it as any other.
    expect({ end: exitCode ?? signal, output }).toMatchObject({ end: expect.toBeOneOf([0, "SIGTERM"]) });
  }
});
