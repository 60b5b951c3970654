/**
 * `action.yml`: the script of its last step, run as the runner runs it, on a machine that a namespace plays.
 */
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { runCommand } from "../../src/netns/command.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { WAIT_MS } from "../support/limits.ts";
import { withOwnPlaces } from "../support/own-places.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const shape = z.object({
  inputs: z.record(
    z.string(),
    z.object({
      description: z.string().min(10),
      default: z.string().optional(),
      required: z.boolean().optional(),
    }),
  ),
  runs: z.object({
    using: z.literal("composite"),
    steps: z.array(
      z.object({
        run: z.string().optional(),
        shell: z.string().optional(),
        env: z.record(z.string(), z.string()).optional(),
      }),
    ),
  }),
});

let action: z.infer<typeof shape>;
beforeAll(async () => {
  action = shape.parse(parse(await readFile(join(ROOT, "action.yml"), "utf8")));
});
let workspace: string;
let lab: Lab;
beforeEach(async () => {
  lab = await createLab({ ipv6: false });
  workspace = await mkdtemp(join(tmpdir(), "egress-action-"));
  await mkdir(join(workspace, ".git"));
  await writeFile(join(workspace, "summary"), "");
});
afterEach(async () => {
  await rm(workspace, { recursive: true });
  await lab[Symbol.asyncDispose]();
});

/** What the runner makes of the expressions in the step's environment. */
function environment(given: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>) {
  const value = (name: string): string => given[name] ?? action.inputs[name]?.default ?? "";
  return Object.entries(env).map(([key, text]) => [
    key,
    text
      .replaceAll("${{ github.action_path }}", ROOT)
      .replaceAll(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_whole, name: string) => value(name)),
  ]);
}

interface Runner {
  /** Put before the step's shell. */
  readonly as?: readonly string[];
  /** Before the others in PATH. */
  readonly path?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function runStep(
  given: Readonly<Record<string, string>>,
  { as = [], path = "", env = {} }: Runner = {},
) {
  const step = action.runs.steps.at(-1);
  const script = join(workspace, "step.sh");
  await writeFile(script, step?.run ?? "");
  const argv = [
    "/usr/bin/nsenter",
    `--net=/run/netns/${lab.sandbox.name}`,
    "--",
    ...withOwnPlaces([
      "/usr/bin/env",
      ...as,
      "bash",
      "--noprofile",
      "--norc",
      "-e",
      "-o",
      "pipefail",
      script,
    ]),
  ] as const;
  return runCommand([...argv], {
    cwd: workspace,
    timeoutMs: WAIT_MS,
    env: {
      PATH: `${path}${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
      HOME: workspace,
      ...env,
      GITHUB_STEP_SUMMARY: join(workspace, "summary"),
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: lab.upstream.addresses[0],
      ...Object.fromEntries(environment(given, step?.env ?? {})),
    },
  });
}

const FETCH = "curl -sS --max-time 5";

test("the step reaches what is allowed, by its inputs and by the repository's file, and its job's page shows the rest", async () => {
  await writeFile(join(workspace, "egress.yaml"), "allow: [three.example.org]\n");
  const result = await runStep({
    allow: "one.example.org,\n*.wild.example.org",
    run: `for name in one x.wild three; do ${FETCH} http://$name.example.org/; done\n${FETCH} http://two.example.org/ || echo "not two"`,
  });
  expect(result).toMatchObject({
    exitCode: 0,
    stdout: "hello from 198.51.100.1\nhello from 198.51.100.20\nhello from 198.51.100.3\nnot two\n",
  });
  expect(await readFile(join(workspace, "summary"), "utf8")).toMatch(/\| `two\.example\.org` \| lookup \|/);
});

test("the first command that fails ends the step with its code; a denial does so with fail-on-deny", async () => {
  expect(await runStep({ run: "(exit 7)\necho not here" })).toMatchObject({ exitCode: 7, stdout: "" });
  const run = `${FETCH} http://two.example.org/ || true`;
  expect(await runStep({ run })).toMatchObject({ exitCode: 0 });
  expect(await runStep({ run, "fail-on-deny": "true" })).toMatchObject({ exitCode: 77 });
  expect(await runStep({ run, "fail-on-deny": "yes" })).toMatchObject({ exitCode: 125 });
});

test("what an input holds is an argument, and never a command", async () => {
  const result = await runStep({ allow: "$(touch${IFS}made);x", run: "echo ran" });
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
  expect(result.stderr).toContain("--allow");
});

/** A runner's user, who has no password to give. */
const GAMES = { uid: 5, gid: 60 };
/** As sudo does: root, who called, and a PATH of its own whatever else is kept. */
const SUDO = `import os, sys
os.environ.update(SUDO_UID=str(os.getuid()), SUDO_GID=str(os.getgid()), SUDO_USER="games", PATH="/usr/sbin:/usr/bin:/sbin:/bin")
argv = sys.argv[1:]
if argv[0] == "--preserve-env":
    argv = argv[1:]
else:
    os.environ = {name: os.environ[name] for name in os.environ if name.startswith("SUDO_") or name == "PATH"}
os.setgroups([])
os.setgid(0)
os.setuid(0)
os.execvp(argv[0], argv)
`;

test("a runner's user becomes root by sudo for the run alone: the commands are the user's, with the step's environment", async () => {
  const bin = join(workspace, "bin");
  await mkdir(bin);
  await copyFile(await realpath("/usr/bin/python3"), join(bin, "python-as-root"));
  await chmod(join(bin, "python-as-root"), 0o4755);
  await writeFile(join(bin, "sudo"), `#!${join(bin, "python-as-root")} -I\n${SUDO}`, { mode: 0o755 });
  for (const name of [".", ".git", "summary"]) await chown(join(workspace, name), GAMES.uid, GAMES.gid);
  const commands = `id -u; touch made; echo "$OF_STEP"; ${FETCH} http://one.example.org/; ${FETCH} http://two.example.org/ || true`;
  const result = await runStep(
    { allow: "one.example.org", run: commands },
    {
      as: ["/usr/bin/setpriv", `--reuid=${GAMES.uid}`, `--regid=${GAMES.gid}`, "--clear-groups"],
      path: `${bin}:`,
      env: { OF_STEP: "kept" },
    },
  );
  expect(result).toMatchObject({ exitCode: 0, stdout: "5\nkept\nhello from 198.51.100.1\n" });
  expect(await stat(join(workspace, "made"))).toMatchObject(GAMES);
  expect(await readFile(join(workspace, "summary"), "utf8")).toContain("`two.example.org`");
});

test("each input is handed on by the environment, never written into the script", () => {
  const [, script] = action.runs.steps;
  expect(script?.run).not.toContain("${{");
  const handedOn = Object.values(script?.env ?? {}).join(" ");
  const names = Object.keys(action.inputs).filter((name) => name !== "working-directory");
  expect(names.filter((name) => !handedOn.includes(`inputs.${name} `))).toEqual([]);
});
