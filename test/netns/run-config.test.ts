/** `egress run` in a project that has a policy file: it is found, announced, and holds. */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createMachine, type Machine } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ ipv6: false });
let machine: Machine;
beforeAll(async () => {
  machine = createMachine(lab);
});

let repo: string;
beforeEach(async () => {
  repo = await mkdtemp(join(tmpdir(), "egress-run-repo-"));
  await mkdir(join(repo, "src"));
  await mkdir(join(repo, ".git"));
});
afterEach(() => rm(repo, { recursive: true }));

const FETCH = "for name in one two; do curl -s --max-time 5 http://$name.example.org/ || echo no; done";

/** Started in the project's folder `src`. */
const run = (...args: readonly string[]) =>
  machine.run(args, { under: ["/usr/bin/env", "-C", join(repo, "src")], env: { HOME: repo } });

test("the file above the working directory holds, is announced by its path, and the command line goes before it", async () => {
  await writeFile(join(repo, "egress.yaml"), "# ours\nallow:\n  - one.example.org\n  - two.example.org\n");
  const plain = await run("--", "sh", "-c", FETCH);
  expect(plain).toMatchObject({ exitCode: 0, stdout: "hello from 198.51.100.1\nhello from 198.51.100.2\n" });
  expect(plain.stderr).toContain(
    `egress run: takes 2 rules of ${repo}/egress.yaml, found here: it allows one.example.org, two.example.org\n`,
  );
  const narrowed = await run("--deny", "one.example.org", "--", "sh", "-c", FETCH);
  expect(narrowed.stdout).toBe("no\nhello from 198.51.100.2\n");
  const without = await run("--no-config", "--", "sh", "-c", FETCH);
  expect(without.stdout).toBe("no\nno\n");
  expect(without.stderr).not.toContain("egress.yaml");
});

test("a file of a repository that opens everything is refused unless it is named", async () => {
  await writeFile(join(repo, "egress.yaml"), "defaultAction: allow\n");
  const fetch = ["--quiet", "--", "sh", "-c", FETCH];
  const found = await run(...fetch);
  expect(found).toMatchObject({ exitCode: 125, stdout: "" });
  expect(found.stderr).toMatch(/^egress run: \S+\/egress\.yaml: defaultAction: allow opens all .*--config/);
  const named = await run("--config", join(repo, "egress.yaml"), ...fetch);
  expect(named.stdout).toBe("hello from 198.51.100.1\nhello from 198.51.100.2\n");
});

test("a preset of the caller's own stands for its rules", async () => {
  const folder = join(repo, ".config/egress/presets");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "ours.yaml"), "allow: [two.example.org]\n");
  const { stdout, stderr } = await run("--preset", "ours", "--", "sh", "-c", FETCH);
  expect(stdout).toBe("no\nhello from 198.51.100.2\n");
  expect(stderr).toContain(`egress run: takes 1 rule of ${folder}/ours.yaml\n`);
});

test("a file that is wrong is told by line and remedy, and nothing is run", async () => {
  await writeFile(join(repo, "egress.yaml"), "allow:\n  - one.example.org\nport: 443\n");
  const { exitCode, stdout, stderr } = await run("--", "echo", "ran");
  expect(exitCode).not.toBe(0);
  expect(stdout).toBe("");
  expect(stderr).toMatch(
    /^egress run: \S+\/egress\.yaml:3: there is no key "port"; there are .*\n.*--no-config\n$/,
  );
});

test("the command cannot write the files that its policy is from, and what it makes beside them is told at the end", async () => {
  const presets = join(repo, ".config/egress/presets");
  await mkdir(presets, { recursive: true });
  await writeFile(join(presets, "ours.yaml"), "allow: [two.example.org]\n");
  await writeFile(join(repo, "egress.yaml"), "allow: [one.example.org]\n");
  const script = `for file in ${repo}/egress.yaml ${presets}/ours.yaml; do echo "allow: ['*']" >$file; rm $file; mv $file $file.old; cat $file; done
echo "allow: [two.example.org]" >${repo}/src/egress.yaml; cp ${repo}/src/egress.yaml ${presets}/code-hosts.yaml`;
  const { stdout, stderr } = await run("--preset", "ours", "--quiet", "--", "sh", "-c", script);
  expect(stdout).toBe("allow: [one.example.org]\nallow: [two.example.org]\n");
  const told = "has changed during the run: read it before the next one takes it\n";
  expect(stderr).toContain(`egress run: ${repo}/src/egress.yaml ${told}`);
  expect(stderr).toContain(`egress run: ${presets}/code-hosts.yaml ${told}`);
});

test("a run that changes nothing of the next one's says nothing of it", async () => {
  await writeFile(join(repo, "egress.yaml"), "allow: [one.example.org]\n");
  expect((await run("--quiet", "--", "touch", "made")).stderr).toBe("");
});

test("a policy file that is a mount, as in a container, is held as well, by each of its paths", async () => {
  await writeFile(join(repo, "given.yaml"), "allow: [one.example.org]\n");
  await writeFile(join(repo, "egress.yaml"), "");
  const mount = `mount --bind ${repo}/given.yaml ${repo}/egress.yaml && exec "$@"`;
  const under = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", mount, "sh", "/usr/bin/env", "-C", repo];
  const script = `for file in egress.yaml given.yaml; do echo "allow: ['*']" >$file; rm $file; cat $file; done; grep -c ' ${repo}/egress.yaml ro' /proc/self/mountinfo`;
  const result = await machine.run(["--quiet", "--", "sh", "-c", script], { under, env: { HOME: repo } });
  expect(result.stdout).toBe("allow: [one.example.org]\nallow: [one.example.org]\n1\n");
  expect(result.stderr).not.toContain("has changed");
});

test("a policy file that is put elsewhere by the name of its folder is told at the end", async () => {
  await mkdir(join(repo, "policies"));
  const path = join(repo, "policies/ours.yaml");
  await writeFile(path, "allow: [one.example.org]\n");
  const script = `cd ${repo}; mv policies others; mkdir policies; echo "allow: ['*']" >policies/ours.yaml`;
  for (const given of [path, "../policies/ours.yaml"]) {
    const { stderr } = await run("--quiet", "--config", given, "--", "sh", "-c", script);
    expect(stderr).toBe(
      `egress run: ${path} has changed during the run: read it before the next one takes it\n`,
    );
    await rm(join(repo, "policies"), { recursive: true });
    await rename(join(repo, "others"), join(repo, "policies"));
  }
});
