/**
 * Who reads the log is gone: enforcement, lookups and changes go on, and what was denied meanwhile is there
 * for the next reader.
 */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { z } from "zod";
import { requireCommand, type RunningCommand } from "../../src/netns/command.ts";
import { HERE, spawnIn } from "../../src/netns/namespace.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const logLine = z.record(z.string(), z.unknown());
const POLICY = { egress: [{ action: "allow", target: "one.example.org" }] };
const NAMES = Array.from({ length: 200 }, (_, index) => `n${index}.denied.example.org`);
const lab = useLab({ per: "test" });

async function denyAll(): Promise<void> {
  const { stdout } = await lab.asWorkload(["dig", "+noall", "+comments", "-f", "-", "@192.0.2.1"], {
    input: NAMES.join("\n"),
  });
  expect(stdout.match(/status: NXDOMAIN/g)).toHaveLength(NAMES.length);
}

async function expectAtWork(sidecar: Sidecar): Promise<void> {
  expect(await lab.curl("-4", "http://one.example.org/")).toMatchObject({ status: 200 });
  const body = [{ action: "allow", target: "203.0.113.1" }];
  expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.2/")).toMatchObject({ exitCode: 7 });
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
}

test("a pipe's reader ends: the next one gets every denial in order, whole", async () => {
  const pipe = join(lab.stateFolder, "log.pipe");
  await requireCommand(["mkfifo", pipe]);
  const lines: string[] = [];
  const read = (): RunningCommand => {
    const reader = spawnIn(HERE, ["cat", pipe]);
    createInterface({ input: reader.stdout }).on("line", (line) => lines.push(line));
    return reader;
  };
  const first = read();
  const sidecar = await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_LOG_OUTPUT: pipe } });
  await until("the start is read", () => lines.some((line) => line.includes("egress sidecar ready")));
  first.kill("SIGKILL");
  await first.end;
  lines.length = 0;
  await denyAll();
  await expectAtWork(sidecar);
  expect(lines).toEqual([]);

  const second = read();
  await until("all is read", () => lines.some((line) => line.includes('"egress.updated"')));
  const events = lines.map((line) => logLine.parse(JSON.parse(line)));
  const denied = events.filter((line) => line["msg"] === "lookup denied");
  expect(denied.map((line) => line["target.host"])).toEqual(NAMES);
  await sidecar.kill();
  await second.end;
});

test("the reader of standard output and standard error is gone: the sidecar serves, and ends in order", async () => {
  const pipe = join(lab.stateFolder, "output.pipe");
  await requireCommand(["mkfifo", pipe]);
  const reader = spawnIn(HERE, ["head", "-n", "1", pipe]);
  const program = ["sh", "-c", 'exec "$@" >"$0" 2>&1', pipe, process.execPath, MAIN, "serve"] as const;
  const sidecar = await lab.startSidecar({ policy: POLICY, program });
  await reader.end;
  await denyAll();
  await expectAtWork(sidecar);
  expect(await sidecar.kill()).toMatchObject({ exitCode: 0 });
});
