/** The order of a run's start: its sidecar's process comes first, the command last. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { EGRESS, UNTOUCHED } from "../support/machine.ts";
import { useMachine } from "../support/use-machine.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
const machine = useMachine(lab);

/** Waits until no sidecar is left in the process namespace, then ends as the run has. */
const UNTIL_GONE = `"$@"; code=$?; while pgrep -f "serve --hande[d]" >/dev/null; do sleep 0.05; done; echo gone; exit $code`;
const OWN_PROCESSES = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

test("a run that is refused ends the sidecar that it has started", async () => {
  const under = [...OWN_PROCESSES, "/bin/sh", "-c", UNTIL_GONE, "sh"];
  const refused = await machine.run(["--allow", "https://example.org", "--", "true"], { under });
  expect(refused).toMatchObject({ exitCode: 125, stdout: "gone\n" });
});

test("the command does not begin before the sidecar is ready: with one that does not start, never", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-run-start-"));
  await writeFile(join(folder, "nft"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const env = { PATH: `${folder}:/usr/sbin:/usr/bin:/bin` };
  const { exitCode, stdout, stderr } = await machine.run(["--", "echo", "begun"], { env });
  await rm(folder, { recursive: true });
  expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: "" });
  expect(stderr).toContain("sidecar: egress: nft: exit 1\n");
});

test.each([
  ["nothing", ""],
  ["what another run has handed over", JSON.stringify({ parent: 1, env: {} })],
])("a sidecar of a run that is handed %s ends, and sets nothing", async (_case, input) => {
  const [file, ...program] = EGRESS;
  const ended = await execIn(lab.sandbox, [file, ...program, "serve", "--handed"], { input });
  expect(ended).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
  expect(await machine.state()).toEqual(UNTOUCHED);
});
