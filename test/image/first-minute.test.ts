/**
 * The first minute of the README, typed as it is written there, on a machine that has what the README asks
 * for and nothing else: see `first-minute.ts` for what stands for the registries.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test, type TestContext } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { blockOf, codeSpans, findBlocks } from "../readme/markdown.ts";
import { isShown, parseTranscript, steady } from "../readme/transcript.ts";
import { useLab } from "../support/use-lab.ts";
import { skipBecause } from "../support/skip.ts";
import { type CleanMachine, hasNode24, startCleanMachine } from "./first-minute.ts";

const README = await readFile(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");

const lab = useLab({
  ipv6: false,
  zone: {
    "example.org": { addresses: ["198.51.100.1"] },
    "example.com": { addresses: ["198.51.100.2"] },
  },
});
let machine: CleanMachine | undefined;
beforeAll(async () => {
  if (!hasNode24()) return undefined;
  machine = await startCleanMachine(lab);
  return () => machine?.[Symbol.asyncDispose]();
});

function theMachine(context: TestContext): CleanMachine {
  if (machine === undefined) skipBecause(context, "Node 24 cannot be had from the npm registry");
  return machine;
}

test("it has Node 24, and the packages that the README names", async (context) => {
  const { type } = theMachine(context);
  expect((await type("node --version")).stdout).toMatch(/^v24\./);
  const install = codeSpans(README).find((code) => code.startsWith("apt-get install"));
  const [, packages] = /^apt-get install -y (.+)$/.exec(install ?? "") ?? [];
  expect(packages).toBe("nftables iproute2");
  expect(await type(`dpkg --status ${packages}`)).toMatchObject({ exitCode: 0 });
});

test("the first look needs no installation: the session goes as shown", async (context) => {
  const { type } = theMachine(context);
  const typed: (readonly string[])[] = [];
  const steps = parseTranscript(blockOf(README, "run").lines);
  expect(steps).toHaveLength(3);
  for (const { command, output } of steps) {
    const printed = steady((await type(command)).stdout.split("\n"));
    const shown = steady(output);
    typed.push(isShown(shown, printed) ? shown : printed);
  }
  expect(typed).toEqual(steps.map(({ output }) => steady(output)));
});

test("it is installed as the README says, and learns a policy and holds a command to it", async (context) => {
  const { type } = theMachine(context);
  const afterInstall = README.slice(README.indexOf("## Install"));
  const steps = (findBlocks(afterInstall)[0]?.lines.join("\n") ?? "").split(" && ");
  expect(steps.slice(0, -1)).toEqual(["npm ci", "npm pack"]);
  const install = await type(steps.at(-1) ?? "");
  expect(install.stdout).toMatch(/added 1 package/);
  expect(install.exitCode).toBe(0);
  expect(await type("cd / && egress --version")).toMatchObject({
    stdout: `egress ${manifest.version}\n`,
    exitCode: 0,
  });

  const [learn = "", hold = ""] = codeSpans(README)
    .filter((code) => /^egress run .*-- COMMAND$/.test(code))
    .filter((code) => !code.includes("--secret"));
  const learned = await type(inFolder(learn, "http://example.org/"));
  expect(learned.stdout).toContain("hello from 198.51.100.1");
  expect(learned.stdout).toContain("written to egress.yaml");
  const held = await type(inFolder(hold, "http://example.org/"));
  expect(held.stdout).toContain("hello from 198.51.100.1");
  expect(held.stdout).not.toContain("denied");
  const denied = await type(inFolder(hold, "http://example.com/"));
  expect(denied).toMatchObject({ exitCode: 6 });
  expect(denied.stdout).toContain("denied example.com (no rule allows it)");
});

function inFolder(code: string, url: string): string {
  return `mkdir -p /root/project && cd /root/project && ${code.replace("COMMAND", `curl -sS ${url}`)}`;
}
