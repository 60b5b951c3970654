/** `npm run lab` says how it is entered, and the tutorial's commands do there what the page shows. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCommand, startCommand } from "../../src/netns/command.ts";
import { isShown, parseTranscript, steady } from "../readme/transcript.ts";
import { until } from "../support/until.ts";
import { WAIT_MS } from "../support/limits.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const tutorial = readFileSync(`${ROOT}/docs/tutorial.md`, "utf8");
const STEPS = parseTranscript(
  Array.from(tutorial.matchAll(/^```text tutorial\n(.*?)^```/gms), ([, text = ""]) => text).flatMap((text) =>
    text.split("\n"),
  ),
);

/** `curl: (7) ...` of the page stands for whatever curl says there. */
const isLineShown = (shown: readonly string[], actual: readonly string[]): boolean =>
  isShown(
    shown,
    actual.map((line) => (line.startsWith("curl: (7)") ? "curl: (7) ..." : line)),
  );

test("the tutorial's commands do what it shows", async () => {
  expect(STEPS.length).toBeGreaterThan(10);
  const lab = startCommand([process.execPath, `${ROOT}/test/demo/lab.ts`]);
  const lines: string[] = [];
  createInterface({ input: lab.stdout }).on("line", (line) => lines.push(line));
  lab.stderr.resume();
  try {
    const enter = await until("it says how to enter", () =>
      lines.map((line) => /^ {2}(\. \S+)/.exec(line)?.[1]).find((found) => found !== undefined),
    );
    for (const { command, output } of STEPS) {
      const { stdout, stderr } = await runCommand(["bash", "-c", `${enter}\n${command}`], {
        timeoutMs: WAIT_MS,
      });
      const actual = steady(`${stdout}${stderr}`.split("\n"));
      expect({ command, actual, isShown: isLineShown(steady(output), actual) }).toMatchObject({
        isShown: true,
      });
    }
  } finally {
    lab.kill("SIGINT");
    await lab.end;
  }
  const { stdout } = await runCommand(["ip", "netns", "list"]);
  expect(stdout).not.toContain(`egress-ns-${lab.pid}-`);
});
