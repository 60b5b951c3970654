/**
 * Connections of a protocol that shows no name: a change that denies other names leaves them alone, one that
 * closes their address ends them.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { goesOn, hasEnded, startEchoLines, talkLines } from "../support/echo-lines.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const PORT = 2525;
const [ONE, TWO] = ["one.example.org", "two.example.org"];
const POLICY = { egress: [ONE, TWO].map((target) => ({ action: "allow", target })) };

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let server: JsonServer;
let sidecar: Sidecar;
beforeAll(async () => {
  server = await startEchoLines(lab, PORT);
  sidecar = await lab.startSidecar({ policy: POLICY });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => change("PUT", POLICY));

async function change(method: string, body: unknown): Promise<void> {
  expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 200 });
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("a change that denies another name leaves it alone, also after a restart", async () => {
    for (const name of [ONE, TWO]) await lab.dig("-t", family.qtype, name);
    await using client = await talkLines(lab, family.one, PORT);
    expect(await goesOn(client)).toBe(true);
    await change("PATCH", [{ action: "deny", target: TWO }]);
    expect(await goesOn(client)).toBe(true);
    await sidecar.kill("SIGKILL");
    sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await goesOn(client)).toBe(true);
    await change("PATCH", [{ action: "deny", target: TWO }]);
    expect(await goesOn(client)).toBe(true);
    await change("PATCH", [{ action: "deny", target: ONE }]);
    await until("it has ended", () => hasEnded(client));
  });
});
