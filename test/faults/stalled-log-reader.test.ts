/**
 * Who reads the log stops reading: enforcement, lookups and changes go on, and what was denied meanwhile is
 * there once it reads again.
 */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { z } from "zod";
import { requireCommand } from "../../src/netns/command.ts";
import { HERE, spawnIn } from "../../src/netns/namespace.ts";
import { createLab } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { WAIT_MS } from "../support/limits.ts";

const logLine = z.record(z.string(), z.unknown());
/** Lines of some 200 octets: several times what a pipe holds. */
const NAMES = Array.from({ length: 2000 }, (_, index) => `n${index}.denied.example.org`);

test("a reader that stalls: nothing waits for it, and it gets every denial in order, whole", async () => {
  await using lab = await createLab();
  const pipe = join(lab.stateFolder, "log.pipe");
  await requireCommand(["mkfifo", pipe]);
  const reader = spawnIn(HERE, ["sh", "-c", 'exec 3<"$1"; read -r go; exec cat <&3', "sh", pipe]);
  const lines: string[] = [];
  createInterface({ input: reader.stdout }).on("line", (line) => lines.push(line));
  const sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    env: { OPENSANDBOX_LOG_OUTPUT: pipe },
  });

  const asked = lab.asWorkload(["dig", "+noall", "+comments", "-f", "-", "@192.0.2.1"], {
    input: NAMES.join("\n"),
    timeoutMs: WAIT_MS,
  });
  expect((await asked).stdout.match(/status: NXDOMAIN/g)).toHaveLength(NAMES.length);
  expect(await lab.curl("-4", "http://one.example.org/")).toMatchObject({ status: 200 });
  const rules = [{ action: "allow", target: "203.0.113.1" }];
  expect(await sidecar.api("PATCH", "/policy", { body: rules })).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  expect(lines).toEqual([]);

  reader.stdin.write("go\n");
  await until("all is read", () => lines.some((line) => line.includes('"egress.updated"')));
  const events = lines.map((line) => logLine.parse(JSON.parse(line)));
  const denied = events.filter((line) => line["opensandbox.event"] === "egress.denied");
  expect(denied.map((line) => line["target.host"])).toEqual(NAMES);
  await sidecar.kill();
  await reader.end;
});
