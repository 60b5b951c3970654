/**
 * The line between `egress run` and process 1 of its confinement, at a terminal. The command can be as much
 * as process 1 is: it traces it, and takes its descriptors (pidfd_getfd(2)). What it says there makes the run
 * do nothing, and the run is undone.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EGRESS } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab({ ipv6: false });
const machine = useMachine(lab);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-run-control-"));
  await writeFile(join(folder, "terminal.py"), TERMINAL);
});
afterAll(() => rm(folder, { recursive: true }));

/** pidfd_open(2) and pidfd_getfd(2), by number: what the argument says is sent, in a loop. */
const TAKE = `import ctypes, socket, sys, time
libc = ctypes.CDLL(None)
line = libc.syscall(438, libc.syscall(434, 1, 0), 3, 0)
print("taken" if line >= 0 else "not taken", flush=True)
sender = socket.socket(fileno=line)
sender.settimeout(5)
try:
    for _ in range(2000):
        sender.send(sys.argv[1].encode().decode("unicode_escape").encode())
except OSError:
    pass
time.sleep(20)
print("still there", flush=True)
`;
const TERMINAL = `import os, pty, sys
print("exit", os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
`;

test.each([
  ["any words, as root", "x\\n", "0:0"],
  ["any words, as another user", "x\\n", "48333:48333"],
  ["that all is ready, again and again", "ready\\n", "0:0"],
  ["that it has stopped, again and again", "stopped 148\\n", "0:0"],
  ["a line without an end", "stopped ".repeat(1000), "0:0"],
])("a command that says %s is ended, and all is undone", async (_what, said, user) => {
  const run = [...EGRESS, "run", "--quiet", "--user", user, "--"];
  const command = ["python3", "-c", TAKE, said];
  const child = machine.spawn(["python3", join(folder, "terminal.py"), ...run, ...command]);
  let shown = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (octets) => (shown += String(octets)));
  await child.end;
  const lines = shown.replaceAll("\r", "").split("\n").filter(Boolean);
  expect(lines.toSorted()).toEqual([
    "egress run: the command has taken the line to its process 1, so it is ended",
    "exit 137",
    "taken",
  ]);
});
