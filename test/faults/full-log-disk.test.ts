/**
 * The disk of the log is full: enforcement, lookups and changes go on, and what was denied meanwhile is
 * written once there is room.
 */
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { createLab } from "../support/lab.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";

const logLine = z.record(z.string(), z.unknown());
const DENIED = Array.from({ length: 60 }, (_, index) => `n${index}.denied.example.org`);

test("a full disk: nothing waits for it, and no denial is lost nor torn", async () => {
  await using lab = await createLab();
  // A file system of its own, in a mount namespace that the sidecar alone is in.
  const folder = lab.stateFolder;
  const sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    env: { OPENSANDBOX_LOG_OUTPUT: join(folder, "log", "egress.log") },
    program: [
      "sh",
      "-c",
      'mkdir "$0" && mount -t tmpfs -o size=64k none "$0" && exec "$@"',
      join(folder, "log"),
      process.execPath,
      MAIN,
      "serve",
    ],
  });
  const inside = (name: string): string => `/proc/${sidecar.pid}/root${folder}/log/${name}`;
  const readLines = async (): Promise<readonly string[]> =>
    (await readFile(inside("egress.log"), "utf8")).split("\n").slice(0, -1);

  const filling = writeFile(inside("filler"), Buffer.alloc(1 << 20));
  await expect(filling).rejects.toMatchObject({ code: "ENOSPC" });
  const askAll = DENIED.map((qname) => `${qname} A`).join(" ");
  const answers = await lab.asWorkload(["sh", "-c", `dig +noall +comments ${askAll} @192.0.2.1`]);
  expect(answers.stdout.match(/status: NXDOMAIN/g)).toHaveLength(DENIED.length);
  expect(await lab.curl("-4", "http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ exitCode: 7 });
  const rules = [{ action: "allow", target: "203.0.113.1" }];
  expect(await sidecar.api("PATCH", "/policy", { body: rules })).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  expect((await readFile(inside("egress.log"), "utf8")).includes(DENIED.at(-1) ?? "")).toBe(false);

  await truncate(inside("filler"), 0);
  await rm(inside("filler"));
  await until("all is written", async () =>
    (await readFile(inside("egress.log"), "utf8")).includes('"egress.updated"'),
  );
  const hosts = (await readLines()).map((line) => logLine.parse(JSON.parse(line))["target.host"]);
  for (const qname of DENIED) expect(hosts).toContain(qname);
});
