/**
 * Row 11: a workload that holds the sidecar's ports before it starts, while it runs, and while it is away.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import type { Lab } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import {
  attack,
  deniedAddress,
  POLICY,
  readApiPort,
  readApiPorts,
  startAccomplice,
  startAttack,
} from "./attack.ts";

const LOOPBACK = { IPv4: "127.0.0.1", IPv6: "::1" } as const;

function apiUrl(address: string, port = 18_080, path = "/policy"): string {
  return urlOf(address, path).replace(path, `:${port}${path}`);
}

/** The token as callers send it, and the words that a squatter is not to hear. */
function tokenHeader({ token }: Pick<Sidecar, "token">): readonly string[] {
  return ["-H", `OPENSANDBOX-EGRESS-AUTH: ${token}`];
}

describe("the resolver's port", () => {
  const lab = useLab();
  let sidecar: Sidecar;
  let squatter: JsonServer;
  beforeAll(async () => {
    squatter = await startAttack(lab, "squat", "hold", "15353");
    sidecar = await lab.startSidecar({ policy: POLICY });
  });
  afterAll(async () => {
    await squatter[Symbol.asyncDispose]();
  });

  test("row 11: the sidecar is healthy, on another port", async () => {
    expect(squatter.lines[0]).toMatchObject({ event: "ready", count: 8 });
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  });

  test.for(FAMILIES)(
    "row 11: lookups over $name are answered by the sidecar, and the squatter sees none",
    async (family, context) => {
      skipWithoutFamily(context, lab, family);
      for (const server of [family.upstream, family.otherResolver]) {
        for (const transport of ["+notcp", "+tcp"]) {
          const ask = (name: string) => lab.dig(transport, `@${server}`, "-t", family.qtype, name);
          expect(await ask("one.example.org")).toMatchObject({ addresses: [family.one] });
          expect(await ask("secret.three.example.org")).toMatchObject({ rcode: "NXDOMAIN" });
        }
      }
      expect(squatter.lines.slice(1)).toEqual([]);
    },
  );
});

describe.each(FAMILIES)("the API's port, $name", (family) => {
  const { sandbox } = family;
  const loopback = LOOPBACK[family.name];
  const lab = useLab({ per: "test" });
  let squatter: JsonServer;
  beforeEach(async (context) => {
    skipWithoutFamily(context, lab, family);
    squatter = await startAttack(lab, "squat", "hold", "18080", "9090");
  });
  afterEach(async () => {
    await squatter[Symbol.asyncDispose]();
  });

  test("without a sidecar the squatter hears callers from inside and outside", async () => {
    expect(squatter.lines[0]).toMatchObject({ count: 8 });
    for (const call of [lab.curlFromOutside, lab.curl]) await call(...TOKEN, apiUrl(sandbox));
    await lab.curl(...TOKEN, apiUrl(loopback));
    await expect
      .poll(() => heard(squatter).filter((text) => text.includes(`${TOKEN[1]}\r\n`)))
      .toHaveLength(3);
  });

  test.each(["dns+nft", "dns"])(
    "row 11: in mode %s callers reach the API, from inside and outside, and the squatter hears nothing",
    async (mode) => {
      const sidecar = await lab.startSidecar({
        policy: POLICY,
        env: { OPENSANDBOX_EGRESS_MODE: mode },
      });
      await expectServed(lab, family, sidecar);
      expect(heard(squatter)).toEqual([]);
      const ready = sidecar.logs().find(({ msg }) => msg === "egress sidecar ready");
      expect(ready).toMatchObject({
        address: { port: 18_080 },
        listening: expect.stringMatching(new RegExp(`:${await readApiPort(lab)}$`)),
      });
    },
  );

  test("row 11: callers' connections from before the start go no further", async () => {
    await using outside = await startAccomplice(lab, "squat", "keep", sandbox, "18080");
    await using inside = await startAttack(lab, "squat", "keep", loopback, "18080");
    await lab.startSidecar({ policy: POLICY });
    expect(await askOver(inside)).toBe("ConnectionResetError");
    // Nobody knew that flow: what comes in mid-stream is dropped.
    expect(await askOver(outside)).toBe("timeout");
    expect(heard(squatter)).toEqual([]);
  });

  test("row 11: while the sidecar is away callers are refused, whatever ports are held, and then served again", async () => {
    const before = await lab.startSidecar({ policy: POLICY });
    const port = await readApiPort(lab);
    await before.kill("SIGKILL");
    await using successor = await startAttack(lab, "squat", "hold", String(port));
    expect(successor.lines[0]).toMatchObject({ count: 4 });
    // It is there: who knows the port reaches it.
    await lab.curl(apiUrl(loopback, port));
    await expect.poll(() => heard(successor)).toHaveLength(1);
    for (const call of [lab.curlFromOutside, lab.curl]) {
      expect(await call(...tokenHeader(before), apiUrl(sandbox))).toMatchObject({ exitCode: 7 });
    }
    expect(await lab.curl(...tokenHeader(before), apiUrl(loopback))).toMatchObject({ exitCode: 7 });

    const after = await lab.startSidecar({ policy: POLICY });
    expect(await readApiPort(lab)).not.toBe(port);
    await expectServed(lab, family, after);
    expect([...heard(squatter), ...heard(successor).slice(1)]).toEqual([]);
  });

  test("row 11: nothing is sent from the API's port, so no flow of a squatter's takes a caller in", async () => {
    const allowed = deniedAddress(family, 12);
    await lab.startSidecar({ policy: { egress: [{ action: "allow", target: allowed }] } });
    await squatter[Symbol.asyncDispose]();
    expect(await attack(lab, "squat", "from", sandbox, "9090", allowed)).toEqual({ connect: "connected" });
    expect(await attack(lab, "squat", "from", sandbox, "18080", allowed)).toEqual({
      connect: "ECONNREFUSED",
    });
  });

  test("row 11: with a host and another port in the setting callers there reach the API", async () => {
    const shown = family.name === "IPv6" ? `[${loopback}]` : loopback;
    const sidecar = await lab.startSidecar({
      policy: POLICY,
      env: { OPENSANDBOX_EGRESS_HTTP_ADDR: `${shown}:9090` },
    });
    expect(await lab.curl(...tokenHeader(sidecar), apiUrl(loopback, 9090))).toMatchObject({ status: 200 });
    expect(heard(squatter)).toEqual([]);
    // Elsewhere the port is the workload's: what listens there is not the API.
    await lab.curl(apiUrl(sandbox, 9090));
    await expect.poll(() => heard(squatter)).toHaveLength(1);
  });

  test("row 11: nobody of the sandbox reaches the port where the API listens to callers from outside", async () => {
    await lab.startSidecar({ policy: POLICY });
    const { outside, inside } = await readApiPorts(lab);
    expect(outside).not.toBe(inside);
    expect(await lab.curlFromOutside(apiUrl(sandbox, outside, "/healthz"))).toMatchObject({ body: "ok" });
    for (const address of [loopback, sandbox]) {
      expect(await lab.curl(apiUrl(address, inside, "/healthz"))).toMatchObject({ body: "ok" });
      expect(await lab.curl(apiUrl(address, outside, "/healthz"))).toMatchObject({ exitCode: 7 });
    }
  });

  test("row 11: without a token a change from inside is told from one from outside", async () => {
    await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_TOKEN: undefined } });
    const change = ["-X", "PATCH", "-d", '[{"action":"allow","target":"two.example.org"}]'];
    for (const address of [loopback, sandbox]) {
      expect(await lab.curl(...change, apiUrl(address))).toMatchObject({ status: 403 });
    }
    expect(await lab.curlFromOutside(...change, apiUrl(sandbox))).toMatchObject({ status: 200 });
  });
});

const TOKEN = ["-H", "OPENSANDBOX-EGRESS-AUTH: secret"];

/** How a request over a connection that `keep` holds has ended. */
async function askOver(caller: JsonServer): Promise<unknown> {
  caller.process.stdin.write(`${JSON.stringify("GET /policy HTTP/1.1\r\n\r\n")}\n`);
  const ended = () => caller.lines.find(({ event }) => event === "ended");
  return (await until("it has ended", ended, 10_000))["how"];
}

function heard({ lines }: JsonServer): readonly string[] {
  return lines.filter(({ event }) => event === "asked").map(({ text }) => String(text));
}

async function expectServed(lab: Lab, family: Family, sidecar: Sidecar): Promise<void> {
  const loopback = LOOPBACK[family.name];
  const header = tokenHeader(sidecar);
  expect(await lab.curlFromOutside(apiUrl(family.sandbox, 18_080, "/healthz"))).toMatchObject({ body: "ok" });
  expect(await lab.curlFromOutside(...header, apiUrl(family.sandbox))).toMatchObject({ status: 200 });
  for (const address of [loopback, family.sandbox]) {
    expect(await lab.curl(...header, apiUrl(address))).toMatchObject({ status: 200 });
    expect(await lab.curl(apiUrl(address, 18_080, "/healthz"))).toMatchObject({ body: "ok" });
  }
}
