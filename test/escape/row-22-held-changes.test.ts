/**
 * Row 22: a signed change that the workload holds back, by a reset or as whose proxy it went through, and
 * sends when it fits.
 */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { createLab, type Lab } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { attackArgv, deniedAddress, POLICY, readApiPorts, readOutcome, startAttack } from "./attack.ts";

const API_PORT = 18080;
/** Where the workload takes calls that it should hand on. */
const PROXY_PORT = 8081;
const SIGNATURE = "OPENSANDBOX-EGRESS-SIGNATURE";

interface SignedChange {
  readonly body: string;
  readonly signature: string;
}

let lab: Lab;

/** The operator signs a change of one rule, as the API's text says. */
function sign(token: string, action: "allow" | "deny", target: string, timeMs: number): SignedChange {
  const body = JSON.stringify([{ action, target }]);
  const nonce = randomUUID();
  const hash = createHash("sha256").update(body).digest("hex");
  const mac = createHmac("sha256", token)
    .update(`PATCH\n/policy\n${timeMs}\n${nonce}\n${hash}`)
    .digest("hex");
  return { body, signature: `t=${timeMs},n=${nonce},v1=${mac}` };
}

/**
 * The operator, outside, connects, waits a moment, and makes the change: the answer's first line, or how it
 * ended.
 */
async function change(family: Family, port: number, { body, signature }: SignedChange): Promise<string> {
  const lines = [
    "PATCH /policy HTTP/1.1",
    "Host: sandbox",
    `${SIGNATURE}: ${signature}`,
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  const argv = attackArgv("resets", [
    "send",
    family.sandbox,
    `${port}`,
    `${lines.join("\r\n")}\r\n\r\n${body}`,
  ]);
  return readOutcome(await execIn(lab.internet, argv))["call"] ?? "";
}

/** The workload has read the signature off the wire. */
async function awaitSniffed(sniffer: JsonServer, { signature }: SignedChange): Promise<void> {
  await until("it is read", () =>
    sniffer.lines.some(
      (line) => z.looseObject({ value: z.string() }).safeParse(line).data?.value === signature,
    ),
  );
}

/** The workload sends it, to each address that the API has. */
async function sendHeld(family: Family, { body, signature }: SignedChange) {
  const loopback = family.name === "IPv4" ? "127.0.0.1" : "::1";
  const answers = [];
  for (const address of [loopback, family.sandbox]) {
    const url = urlOf(address, "/policy").replace("/policy", `:${API_PORT}/policy`);
    answers.push(await lab.curl("-X", "PATCH", "-H", `${SIGNATURE}: ${signature}`, "-d", body, url));
  }
  return answers;
}

const startServer = (family: Family, port: number): Promise<JsonServer> =>
  startJsonServer(lab.sandbox, attackArgv("resets", ["serve", family.sandbox, `${port}`]));

describe.each(FAMILIES)("$name", (family) => {
  const denied = deniedAddress(family, 22);

  describe("without a sidecar", () => {
    beforeAll(async () => {
      lab = await createLab();
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    test("a reset at the handshake keeps the call from its server, and the workload has it", async (context) => {
      skipWithoutFamily(context, lab, family);
      await using _server = await startServer(family, API_PORT);
      await using _resets = await startAttack(lab, "resets", "far", "eth0", `${API_PORT}`);
      await using sniffer = await startAttack(lab, "sniff", "eth0", SIGNATURE);
      const held = sign("token", "allow", denied, Date.now());
      expect(await change(family, API_PORT, held)).not.toMatch(/^HTTP/);
      await awaitSniffed(sniffer, held);
    });
  });

  describe("under the sidecar, with signed writes", () => {
    let sidecar: Sidecar;
    beforeAll(async () => {
      lab = await createLab();
      sidecar = await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_SIGNED_WRITES: "true" } });
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    const policy = async (): Promise<string> => (await sidecar.api("GET", "/policy")).text;

    test("row 22: no reset at the handshake keeps the call back, and its copy is 401", async (context) => {
      skipWithoutFamily(context, lab, family);
      const { outside } = await readApiPorts(lab);
      await using resets = await startAttack(lab, "resets", "far", "eth0", `${API_PORT}`, `${outside}`);
      await using sniffer = await startAttack(lab, "sniff", "eth0", SIGNATURE);
      const signed = sign(sidecar.token, "deny", denied, Date.now());
      expect(await change(family, API_PORT, signed)).toBe("HTTP/1.1 200 OK");
      await expect
        .poll(() => resets.lines)
        .toContainEqual({ event: "sent", result: "Operation not permitted" });
      await awaitSniffed(sniffer, signed);
      const before = await policy();
      for (const answer of await sendHeld(family, signed)) {
        expect(answer).toMatchObject({ status: 401, body: expect.stringContaining("used before") });
      }
      expect(await policy()).toBe(before);
    });

    test("row 22: a change that the workload's proxy has held is 401 once a later one is made", async (context) => {
      skipWithoutFamily(context, lab, family);
      await using _proxy = await startServer(family, PROXY_PORT);
      await using sniffer = await startAttack(lab, "sniff", "eth0", SIGNATURE);
      const timeMs = Date.now();
      const held = sign(sidecar.token, "allow", denied, timeMs);
      expect(await change(family, PROXY_PORT, held)).toBe("HTTP/1.1 200 OK");
      await awaitSniffed(sniffer, held);
      const later = sign(sidecar.token, "deny", denied, timeMs + 1);
      expect(await change(family, API_PORT, later)).toBe("HTTP/1.1 200 OK");
      const before = await policy();
      expect(await sendHeld(family, held)).toMatchObject([
        { status: 401, body: expect.stringContaining("signed later has been made") },
        { status: 401, body: expect.stringContaining("used before") },
      ]);
      expect(await policy()).toBe(before);
      expect(await lab.curl(urlOf(denied))).toMatchObject({ exitCode: 7 });
    });

    test("row 22: one that is held, and behind which nothing was made, is its signer's, and taken once", async (context) => {
      skipWithoutFamily(context, lab, family);
      await using _proxy = await startServer(family, PROXY_PORT);
      const held = sign(sidecar.token, "allow", denied, Date.now() + 10);
      expect(await change(family, PROXY_PORT, held)).toBe("HTTP/1.1 200 OK");
      const [first, second] = await sendHeld(family, held);
      expect([first?.status, second?.status]).toEqual([200, 401]);
      expect(await lab.curl(urlOf(denied))).toMatchObject({ status: 200 });
    });
  });
});
