/** `egress top` in a real terminal: what it shows, and that the terminal is as it was however it ends. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { useLab } from "../support/use-lab.ts";
import { WAIT_MS } from "../support/limits.ts";
import { MAIN } from "../support/tested-program.ts";

const lab = useLab();
const PTY = fileURLToPath(new URL("../support/clients/in_terminal.py", import.meta.url));
const endShape = z.object({ code: z.number(), shown: z.string(), restored: z.boolean() });
const ENTER = "\u001B[?1049h";
const LEAVE = "\u001B[?25h\u001B[?1049l";

test("it shows what is denied, and leaves the terminal as it was, by a key and by signals", async () => {
  const sidecar = await lab.startSidecar({ policy: {} });
  await lab.dig("ads.example.org");
  const env = { PATH: process.env["PATH"], TERM: "xterm" };
  const command = [process.execPath, MAIN, "top", "--socket", sidecar.socketPath] as const;
  for (const how of ["q", "\u0003", "SIGTERM", "SIGHUP"]) {
    const argv = ["python3", PTY, how, "ads.example.org", ...command] as const;
    const { stdout, stderr } = await execIn(lab.sandbox, argv, { env, timeoutMs: 2 * WAIT_MS });
    expect(stderr).toBe("");
    const { code, shown, restored } = endShape.parse(JSON.parse(stdout));
    expect([how, code, restored]).toEqual([how, 0, true]);
    expect(shown.startsWith(ENTER)).toBe(true);
    expect(shown.trimEnd().endsWith(LEAVE)).toBe(true);
  }
  const piped = await execIn(lab.sandbox, command, { env });
  expect([piped.exitCode, piped.stdout.includes("ads.example.org"), piped.stdout.includes("\u001B")]).toEqual(
    [0, true, false],
  );
});
