/** What `egress run` writes besides what its command does: as JSON, into files, and by its exit code. */
import { chown, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { createMachine, type Machine } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ ipv6: false });
let machine: Machine;
beforeAll(async () => {
  machine = createMachine(lab);
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-run-out-"));
});
afterEach(() => rm(folder, { recursive: true }));

const CURL = "curl -s --max-time 5";
/** Is denied a name and an address, and ends with 0. */
const DENIED = ["sh", "-c", `${CURL} http://two.example.org/; ${CURL} http://198.51.100.1/; echo done`];
const line = z.looseObject({ event: z.string() });

test("--quiet says nothing of denials, and a failure is still said", async () => {
  expect(await machine.run(["--quiet", "--", ...DENIED])).toMatchObject({ stdout: "done\n", stderr: "" });
  const { stderr } = await machine.run(["-q", "--log", folder, "--", "true"]);
  expect(stderr).toMatch(/^egress run: \S+: EISDIR/);
});

test.each([
  ["its input is a socket", '"$@"'],
  ["its input and its errors are", '"$@" 2>/dev/null'],
  ["its errors are a pipe as well", '"$@" 2>&1 </dev/null'],
])("what the command writes into a pipe is whole where %s", async (_, started) => {
  const under = ["sh", "-c", `{ ${started}; } | { sleep 0.5; wc -c; }`, "sh"];
  const command = ["sh", "-c", `sleep 0.5; ${CURL} http://two.example.org/; head -c 30000000 /dev/zero`];
  const { stdout } = await machine.run(["--quiet", "--", ...command], { under });
  expect(stdout).toBe("30000000\n");
});

test("--json says each thing as an object a line, and the sum of it at the end", async () => {
  const { stderr, stdout } = await machine.run(["--json", "--deny", "two.example.org", "--", ...DENIED]);
  expect(stdout).toBe("done\n");
  const events = stderr
    .trim()
    .split("\n")
    .map((text) => line.parse(JSON.parse(text)));
  expect(events.filter(({ event }) => event !== "note")).toMatchObject([
    {
      event: "denied",
      kind: "name",
      target: "two.example.org",
      layer: "user",
      reason: "rule: deny two.example.org",
    },
    {
      event: "denied",
      kind: "address",
      target: "198.51.100.1",
      transport: "tcp",
      port: 80,
      layer: "default",
    },
    {
      event: "summary",
      allow: ["198.51.100.1"],
      denied: [{ target: "two.example.org" }, {}],
      others: 0,
      failed: [],
    },
  ]);
});

test("--log adds the sidecar's log to the file, allowed lookups too", async () => {
  const log = join(folder, "run.jsonl");
  await writeFile(log, "before\n");
  const script = `${CURL} http://one.example.org/; ${CURL} http://two.example.org/`;
  await machine.run(["--log", log, "--allow", "one.example.org", "--", "sh", "-c", script]);
  const [before, ...lines] = (await readFile(log, "utf8")).trim().split("\n");
  expect(before).toBe("before");
  const events = lines.map((text) => z.looseObject({}).parse(JSON.parse(text)));
  expect(events).toContainEqual(expect.objectContaining({ "target.host": "one.example.org" }));
  expect(events).toContainEqual(expect.objectContaining({ "opensandbox.event": "egress.denied" }));
});

test("a link is not written through, and the command is not run", async () => {
  const target = join(folder, "victim");
  await writeFile(target, "as it was\n");
  await symlink(target, join(folder, "run.jsonl"));
  const result = await machine.run(["--log", join(folder, "run.jsonl"), "--", "echo", "ran"]);
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
  expect(result.stderr).toMatch(/run\.jsonl: ELOOP/);
  expect(await readFile(target, "utf8")).toBe("as it was\n");
});

test("under sudo files are written with the rights of who called, and are theirs", async () => {
  const env = { SUDO_UID: "65534", SUDO_GID: "65534" };
  const log = join(folder, "run.jsonl");
  const refused = await machine.run(["--log", log, "--", "true"], { env });
  expect(refused).toMatchObject({ exitCode: 125 });
  expect(refused.stderr).toMatch(/run\.jsonl: EACCES/);
  await chown(folder, 65_534, 65_534);
  await machine.run(["--log", log, "--", "true"], { env });
  expect(await stat(log)).toMatchObject({ uid: 65_534, gid: 65_534 });
});

test("--fail-on-deny is 77 where the command did well, else the command's own", async () => {
  expect(await machine.run(["--fail-on-deny", "--", ...DENIED])).toMatchObject({ exitCode: 77 });
  const failing = ["sh", "-c", `${CURL} http://two.example.org/; exit 5`];
  expect(await machine.run(["--fail-on-deny", "--", ...failing])).toMatchObject({ exitCode: 5 });
  expect(await machine.run(["--fail-on-deny", "--", "true"])).toMatchObject({ exitCode: 0 });
});

test("a step of GitHub Actions gets a table on its page, whatever the command has put in the file's place", async () => {
  const page = join(folder, "summary");
  const victim = join(folder, "victim");
  await writeFile(page, "");
  await writeFile(victim, "");
  const swap = `${CURL} http://two.example.org/; mv ${page} ${page}.old; ln -s ${victim} ${page}`;
  await machine.run(["--", "sh", "-c", swap], { env: { GITHUB_STEP_SUMMARY: page } });
  expect(await readFile(victim, "utf8")).toBe("");
  const text = await readFile(`${page}.old`, "utf8");
  expect(text).toContain("### egress run denied 1 name\n");
  expect(text).toMatch(/\| `two\.example\.org` \| lookup \| \d+ \| `no rule allows it` \|\n/);
  expect(text).toContain("```yaml\nallow:\n  - two.example.org\n```\n");
});

test("nothing is added to that page where nothing was denied", async () => {
  const page = join(folder, "summary");
  await writeFile(page, "");
  await machine.run(["--", "true"], { env: { GITHUB_STEP_SUMMARY: page } });
  expect(await readFile(page, "utf8")).toBe("");
});

test("where that page cannot be written, that is said, and the command runs", async () => {
  const env = { GITHUB_STEP_SUMMARY: join(folder, "nowhere", "summary") };
  const { exitCode, stdout, stderr } = await machine.run(["--", "echo", "ran"], { env });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "ran\n" });
  expect(stderr).toContain("no table on the job's page: ");
});
