/**
 * The sessions that README.md and the pages beside it show, typed again: the same commands, against the real
 * program, print the same.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../../src/netns/command.ts";
import { execIn, hasIpv6, HERE } from "../../src/netns/namespace.ts";
import { blockOf } from "../readme/markdown.ts";
import { isShown, parseTranscript, type Step, steady } from "../readme/transcript.ts";
import { createLab } from "../support/lab.ts";
import { WAIT_MS } from "../support/limits.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import { skipBecause } from "../support/skip.ts";
import { MAIN } from "../support/tested-program.ts";
import { workloadArgv } from "../support/workload.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function read(page: string): Promise<string> {
  return readFile(join(ROOT, page), "utf8");
}

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "egress-readme-"));
  // curl leaves its progress meter out on a terminal, and here is none.
  await writeFile(join(home, ".curlrc"), "no-progress-meter\n");
  await writeFile(join(home, "egress"), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  await chmod(join(home, "egress"), 0o755);
});
afterAll(async () => {
  await rm(home, { recursive: true });
});

/** A person's environment: `egress` and this Node are on the path, nothing of the test runner's is there. */
function environment(): Record<string, string | undefined> {
  const path = [home, dirname(process.execPath), process.env["PATH"]].join(delimiter);
  return { PATH: path, HOME: home };
}

/** Both outputs, as a terminal shows them. */
const asTyped = (command: string): readonly [string, ...string[]] => ["sh", "-c", `exec 2>&1\n${command}`];

/** Types all steps, and only then compares, so that a failure shows the whole session. */
async function check(steps: readonly Step[], type: (step: Step) => Promise<string>): Promise<void> {
  const typed: { readonly command: string; readonly output: readonly string[] }[] = [];
  for (const step of steps) {
    const printed = steady((await type(step)).split("\n"));
    const shown = steady(step.output);
    typed.push({ command: step.command, output: isShown(shown, printed) ? shown : printed });
  }
  expect(typed).toEqual(steps.map(({ command, output }) => ({ command, output: steady(output) })));
}

test("the session of operator and sandbox goes as shown", async () => {
  const steps = parseTranscript(blockOf(await read("docs/operating.md"), "session").lines);
  await using lab = await createLab({ ipv6: false });
  const token = "s3cret";
  await using _sidecar = await lab.startSidecar({
    env: { OPENSANDBOX_EGRESS_TOKEN: token },
  });
  const type: Readonly<Record<string, (command: string) => Promise<{ readonly stdout: string }>>> = {
    operator: (command) =>
      execIn(lab.internet, withOwnPlaces(asTyped(command)), {
        env: { ...environment(), TOKEN: token, OPENSANDBOX_EGRESS_TOKEN: token },
      }),
    sandbox: (command) =>
      execIn(lab.sandbox, withOwnPlaces(workloadArgv(asTyped(command))), { env: environment() }),
  };
  expect(new Set(steps.map(({ who }) => who))).toEqual(new Set(Object.keys(type)));
  await check(steps, async ({ who, command }) => (await type[who]?.(command))?.stdout ?? "");
});

test("the doctor says what is shown", async (context) => {
  if (!(await hasIpv6(HERE))) skipBecause(context, "this machine has no IPv6, which the doctor shows, too");
  const steps = parseTranscript(blockOf(await read("docs/doctor.md"), "doctor").lines);
  expect(steps).toHaveLength(1);
  await using lab = await createLab();
  await using _sidecar = await lab.startSidecar();
  const env = environment();
  await check(
    steps,
    async ({ command }) =>
      (await execIn(lab.sandbox, withOwnPlaces(workloadArgv(asTyped(command))), { env })).stdout,
  );
});

test("egress run goes as shown, on a machine that a namespace plays", async () => {
  const steps = parseTranscript(blockOf(await read("README.md"), "run").lines);
  expect(steps).toHaveLength(3);
  await checkRuns(steps, ROOT);
});

test("a newcomer's agent is held as shown", async () => {
  const steps = parseTranscript(blockOf(await read("docs/newcomer.md"), "agent").lines);
  expect(steps).toHaveLength(5);
  const project = await mkdtemp(join(tmpdir(), "egress-newcomer-"));
  try {
    await checkRuns(steps, project);
  } finally {
    await rm(project, { recursive: true });
  }
});

/** Types the steps in that folder, on a machine that a namespace plays. */
async function checkRuns(steps: readonly Step[], cwd: string): Promise<void> {
  // Names that a reader can reach, too.
  const zone = {
    "example.org": { addresses: ["198.51.100.1"] },
    "example.com": { addresses: ["198.51.100.2"] },
  };
  await using machine = await createLab({ ipv6: false, zone });
  const enter = ["/usr/bin/nsenter", `--net=/run/netns/${machine.sandbox.name}`, "--"] as const;
  const env = { ...environment(), OPENSANDBOX_EGRESS_DNS_UPSTREAM: machine.upstream.addresses[0] };
  await check(steps, async ({ command }) => {
    const argv = [...enter, ...withOwnPlaces(asTyped(command))] as const;
    return (await runCommand(argv, { env, cwd, timeoutMs: WAIT_MS })).stdout;
  });
}

test("the demo tells what is shown", async (context) => {
  if (!(await hasIpv6(HERE))) skipBecause(context, "this machine has no IPv6, which the demo shows, too");
  const shown = blockOf(await read("docs/tutorial.md"), "demo").lines;
  const result = await runCommand([process.execPath, join(ROOT, "test/demo/main.ts")], {
    timeoutMs: WAIT_MS,
  });
  const told = eitherFamily(result.stdout);
  const isSo = isShown(steady(shown.map(eitherFamily)), steady(told.split("\n")));
  expect(isSo || told).toBe(true);
});

/** curl takes the family that answers first. */
function eitherFamily(text: string): string {
  return text.replaceAll(/hello from \S+/g, "hello from #");
}
