/**
 * The wall clock is stepped by a day while the sidecar runs: signatures are refused with a clear reason, and
 * nothing else goes by it.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { CommandResult } from "../../src/netns/command.ts";
import { urlAt } from "../support/curl.ts";
import { type Download, startDownload } from "../support/download.ts";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import { readSet } from "../support/kernel-sets.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import { runProgram } from "../support/program.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const DAY_MS = 86_400_000;
const PRELOAD = fileURLToPath(new URL("../support/step-clock.ts", import.meta.url));
const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "*.wild.example.org" },
  ],
};

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
let download: Download;
const clockFile = (): string => join(lab.stateFolder, "clock");
beforeAll(async () => {
  await writeFile(clockFile(), "0");
  sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { STEPPED_CLOCK: clockFile(), OPENSANDBOX_EGRESS_SIGNED_WRITES: "true" },
    program: [process.execPath, "--import", PRELOAD, MAIN, "serve"],
  });
  download = await startDownload(lab, "http://one.example.org/slow", "-4");
  await lab.dig("one.example.org", "AAAA");
});

function patchSigned(target: string): Promise<CommandResult> {
  const url = `http://${SANDBOX_V4}:18080`;
  const env = { OPENSANDBOX_EGRESS_TOKEN: sidecar.token };
  return runProgram(lab.internet, ["policy", "patch", "--allow", target, "--url", url], { env });
}

const lastLogMs = (): number => Date.parse(String(sidecar.logs().at(-1)?.["time"]));

describe.each([
  ["forwards", DAY_MS],
  ["backwards", -DAY_MS],
])("a day %s", (direction, stepMs) => {
  beforeAll(() => writeFile(clockFile(), String(stepMs)));

  test("the log shows it: the program has the stepped clock", async () => {
    // The clock is read ten times a second: a lookup just after a reading has the time of before.
    await until("a line has the new time", async () => {
      await lab.dig(`${direction}.example.com`, "A");
      return Math.abs(lastLogMs() - stepMs - Date.now()) < 60_000;
    });
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  });

  test.for(FAMILIES)("learned addresses and cached answers live on, $name", async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const set = `dyn_allow_${family.set}`;
    const before = (await readSet(lab.sandbox, set)).find(({ address }) => address === family.one);
    expect(await lab.dig("one.example.org", family.qtype)).toMatchObject({ addresses: [family.one] });
    expect(await lab.curl(...urlAt(family.one, "http://one.example.org/"))).toMatchObject({ status: 200 });
    expect(await lab.dig(`${direction}.wild.example.org`, family.qtype)).toMatchObject({
      addresses: [family.wild],
    });
    expect(await lab.curl(...urlAt(family.wild, `http://${direction}.wild.example.org/`))).toMatchObject({
      status: 200,
    });
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ exitCode: 7 });
    const after = (await readSet(lab.sandbox, set)).find(({ address }) => address === family.one);
    expect(Math.abs((after?.expiresSeconds ?? 0) - (before?.expiresSeconds ?? 0))).toBeLessThan(60);
  });

  test("a signed change is refused, with the reason; over the socket it is made, and what goes on goes on", async () => {
    const refused = await patchSigned("203.0.113.1");
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(/check the clocks|set the clock right/);
    const body = [{ action: "allow", target: `${direction}.example.net` }];
    expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
    const octets = download.octets();
    await until("the download goes on", () => download.octets() > octets + 8_192);
    expect(download.hasEnded()).toBe(false);
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  });
});

test("once the clock is right again, signed changes are taken", async () => {
  await writeFile(clockFile(), "0");
  expect(await patchSigned("203.0.113.1")).toMatchObject({ exitCode: 0 });
});
