/** `egress run --audit`: a package manager whose four hosts nobody knows is held after two runs. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningCommand } from "../../src/netns/command.ts";
import { spawnIn } from "../../src/netns/namespace.ts";
import { promised, TEST_MS } from "../support/limits.ts";
import { createMachine, type Machine } from "../support/machine.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const PORT = "4873";
const HOSTS = ["index.example.org", "files-a.example.org", "files-b.example.org", "files-c.example.org"];
const lab = useLab({
  ipv6: false,
  zone: Object.fromEntries(HOSTS.map((host, at) => [host, { addresses: [`198.51.100.${101 + at}`] }])),
});
let machine: Machine;
let registry: RunningCommand;
let project: string;
beforeAll(async () => {
  machine = createMachine(lab);
  const server = new URL("../support/servers/package_registry.py", import.meta.url).pathname;
  registry = spawnIn(lab.internet, ["python3", server, PORT], { timeoutMs: TEST_MS });
  let isReady = false;
  registry.stdout.on("data", () => (isReady = true));
  await until("the registry answers", () => isReady);
  project = await mkdtemp(join(tmpdir(), "egress-run-audit-"));
  await mkdir(join(project, ".git"));
  const dependencies = { a: "1.0.0", b: "1.0.0", c: "1.0.0" };
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "ours", dependencies }));
});
afterAll(async () => {
  registry.kill("SIGKILL");
  await registry.end;
  await rm(project, { recursive: true });
});

const inProject = () => ({
  under: ["/usr/bin/env", "-C", project],
  env: {
    HOME: project,
    npm_config_registry: `http://index.example.org:${PORT}/`,
    npm_config_cache: join(project, ".cache"),
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
  },
});
const INSTALL = ["npm", "install", "--no-package-lock"];
const installed = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(join(project, "node_modules", name, "package.json"), "utf8"));

test("held without rules it is told what it lacks at once, not when it gives up", async () => {
  const begin = ["sh", "-c", 'echo "began $(date +%s%3N)"; exec "$@"', "sh", ...INSTALL];
  const run = machine.start(["--no-config", "--", ...begin], inProject());
  await until("the command has begun", () => run.stdout().includes("began "));
  await until("the denial is told", () =>
    run.stderr().includes("denied index.example.org (no rule allows it)"),
  );
  const toldMs = Date.now() - Number(/began (\d+)/.exec(run.stdout())?.[1]);
  run.process.kill("SIGINT");
  await run.end;
  // npm itself takes half of that to start.
  expect(toldMs).toBeLessThan(promised(1_000));
});

test("after one run with --audit --save its rules are in the repository, and the next run needs no more", async () => {
  const first = await machine.run(["--audit", "--save", "egress.yaml", "--", ...INSTALL], inProject());
  expect(first).toMatchObject({ exitCode: 0 });
  expect(first.stderr).toContain(
    "egress run: audit: nothing is blocked but deny.always and the protections\n",
  );
  expect(first.stderr).toContain("egress run: what was tried needs these rules:\n");
  for (const host of HOSTS) expect(first.stderr).toContain(`--allow ${host}`);
  const saved = await readFile(join(project, "egress.yaml"), "utf8");
  expect(saved).toMatch(/^# What this has tried.*: npm\nallow:\n(?: {2}- \S+\n){4}$/);

  await rm(join(project, "node_modules"), { recursive: true });
  await rm(join(project, ".cache"), { recursive: true });
  const second = await machine.run(["--fail-on-deny", "--", ...INSTALL], inProject());
  expect(second).toMatchObject({ exitCode: 0 });
  expect(second.stderr).toContain(`takes 4 rules of ${project}/egress.yaml`);
  for (const name of ["a", "b", "c"]) expect(await installed(name)).toMatchObject({ name });

  const other = await machine.run(["--", "curl", "-sS", "http://one.example.org/"], inProject());
  expect(other.stderr).toContain("denied one.example.org (no rule allows it)");
});

test("what is there already is not written over, and nothing is run", async () => {
  await writeFile(join(project, "mine.json"), "{}");
  const result = await machine.run(["--audit", "--save", "mine.json", "--", "echo", "ran"], inProject());
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
  expect(result.stderr).toContain("mine.json: is there already; name another, or remove it\n");
});

test("deny.always holds in an audit, and what a rule denies is left out and told", async () => {
  const curl = "curl -s -o /dev/null --max-time 5";
  const script = `${curl} http://169.254.169.254/; echo $?; ${curl} http://two.example.org/; echo $?; ${curl} http://198.51.100.9/; echo $?`;
  const args = ["--no-config", "--audit", "--save", "seen.json", "--deny", "two.example.org"];
  const { stdout, stderr } = await machine.run([...args, "--", "sh", "-c", script], inProject());
  expect(stdout).toBe("7\n0\n0\n");
  expect(stderr).toContain("left out, as a rule denies them: two.example.org (deny two.example.org)\n");
  expect(JSON.parse(await readFile(join(project, "seen.json"), "utf8"))).toEqual({ allow: ["198.51.100.9"] });
});

test("--save without --audit is refused", async () => {
  const { exitCode, stderr } = await machine.run(["--save", "x.yaml", "--", "true"], inProject());
  expect(exitCode).toBe(125);
  expect(stderr).toContain("--save writes what --audit has seen");
});
