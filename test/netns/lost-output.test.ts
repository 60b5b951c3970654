/**
 * Commands whose reader has gone, or whose disk is full: what they have begun is done, and what `egress run`
 * has set is undone.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { createMachine, UNTOUCHED } from "../support/machine.ts";
import { runProgram } from "../support/program.ts";
import { MAIN } from "../support/tested-program.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();

/** Run the rest of the arguments with a standard error that takes nothing. */
const LOST_ERRORS = [
  [
    "a pipe that nobody reads",
    'f=$(mktemp -u); mkfifo $f; exec 5<>$f 6>$f; exec 5<&-; rm $f; exec "$@" 2>&6 6>&-',
  ],
  ["a full disk", 'exec "$@" 2>/dev/full'],
  ["nothing", 'exec "$@" 2>&-'],
] as const;
const LOST_OUTPUT = 'exec "$@" >/dev/full';

test.each(LOST_ERRORS)(
  "a run whose standard error is %s runs its command, and undoes all",
  async (_, script) => {
    const machine = createMachine(lab);
    const under = ["/bin/sh", "-c", script, "sh"];
    const run = await machine.run(["--allow", "one.example.org", "--", "sh", "-c", "echo ran; exit 7"], {
      under,
    });
    expect(run).toMatchObject({ exitCode: 7, stdout: "ran\n" });
    expect(await machine.state()).toEqual(UNTOUCHED);
  },
);

/** Has 4 KiB of room there, of which some are taken. */
const fullDisk = (place: string, taken: number) => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  `mount -t tmpfs -o size=4k full ${place} && head -c ${taken} /dev/zero >${place}/taken && exec "$@"`,
  "sh",
];

test("a run that finds no room for its files says so, and undoes all", async () => {
  const machine = createMachine(lab);
  const run = await machine.run(["--quiet", "--", "true"], { under: fullDisk("/run", 4096) });
  expect(run).toMatchObject({ exitCode: 125, stdout: "" });
  expect(run.stderr).toBe(
    "egress run: ENOSPC: no space left on device, write; a run writes small files to /run, or to TMPDIR without root: there has to be room for them\n",
  );
  expect(await machine.state()).toEqual(UNTOUCHED);
});

test("what it was asked to save is there whole or not at all, and it says which file had no room", async () => {
  const machine = createMachine(lab);
  const place = await mkdtemp(join(tmpdir(), "egress-full-disk-"));
  onTestFinished(() => rm(place, { recursive: true }));
  const script = `"$@"; echo "ended $?"; ls ${place}`;
  const run = await machine.run(
    ["--audit", "--save", `${place}/egress.yaml`, "--", "getent", "hosts", "one.example.org"],
    {
      under: [...fullDisk(place, 4096), "sh", "-c", script, "sh"],
    },
  );
  expect(run.stdout).toMatch(/ended 0\ntaken\n$/);
  expect(run.stderr).toContain(`egress run: ${place}/egress.yaml: ENOSPC: no space left on device, write\n`);
});

test.each(LOST_ERRORS)(
  "a sidecar whose standard error is %s goes on, with its log there",
  async (_, script) => {
    const program = ["/bin/sh", "-c", script, "sh", process.execPath, MAIN, "serve"] as const;
    const env = { OPENSANDBOX_LOG_OUTPUT: "stderr" };
    const sidecar = await lab.startSidecar({ program, env });
    await lab.dig("denied.example.org");
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
    expect(await sidecar.kill("SIGTERM")).toMatchObject({ exitCode: 0 });
  },
);

test("a teardown that cannot say so is done, and ends with 74", async () => {
  const sidecar = await lab.startSidecar();
  await sidecar.kill("SIGTERM");
  const under = ["/bin/sh", "-c", LOST_OUTPUT, "sh"];
  expect(await runProgram(lab.sandbox, ["teardown"], { under })).toMatchObject({ exitCode: 74, stderr: "" });
  expect((await execIn(lab.sandbox, ["nft", "list", "ruleset"])).stdout).toBe("");
});

test.each(["status --json", "doctor --json"])(
  "egress %s ends with 74 where the disk is full",
  async (command) => {
    const sidecar = await lab.startSidecar();
    const under = ["/bin/sh", "-c", LOST_OUTPUT, "sh"];
    const env = { OPENSANDBOX_EGRESS_SOCKET: sidecar.socketPath };
    const { exitCode } = await runProgram(lab.sandbox, command.split(" "), { under, env });
    // The doctor's own word, that something got out, would come before it.
    expect(exitCode).toBe(74);
    await sidecar.kill("SIGTERM");
  },
);
