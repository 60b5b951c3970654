/**
 * HTTP: what no client should send, at the running sidecar, by the workload's own loopback, where whoever is
 * hostile sits.
 */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callApi, connectRaw, sendRaw } from "../api/api-server.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const MEBIBYTE = 1 << 20;
const RULES = '[{"action":"allow","target":"a.example"}]';

const lab = useLab({ ipv6: false });
let sidecar: Sidecar;
let inside: Relay;
let auth: string;
beforeAll(async () => {
  sidecar = await lab.startSidecar();
  inside = await startRelay(lab, { from: "workload", to: "127.0.0.1" });
  auth = `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}\r\n`;
});
afterAll(async () => {
  await inside[Symbol.asyncDispose]();
});

async function call(method: string, body?: string, headers: Readonly<Record<string, string>> = {}) {
  return callApi({
    socketPath: inside.socketPath,
    method,
    path: "/policy",
    headers: { "OPENSANDBOX-EGRESS-AUTH": sidecar.token, ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

async function readEtag(): Promise<string | undefined> {
  return (await call("GET")).headers.etag;
}

describe("an answer of the parser itself has a body, which the JavaScript SDK takes for the error", () => {
  test.each([
    ["a malformed request line", "GET\r\n\r\n", 400],
    ["a wrong protocol", "GET /policy HTTP/9.9\r\nHost: x\r\n\r\n", 400],
    ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000", 400],
    ["a header too large", `GET /policy HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["a bad length", "PATCH /policy HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400],
    [
      "two lengths",
      "PATCH /policy HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
    ],
    ["no Host", "GET /policy HTTP/1.1\r\n\r\n", 400],
  ])("%s", async (_what, text, status) => {
    const answer = await sendRaw(inside.socketPath, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.toLowerCase()).toContain("content-type: text/plain; charset=utf-8");
    expect(answer.split("\r\n\r\n")[1]).toMatch(/^\S.*$/);
  });
});

describe("a body", () => {
  test("of 1 MiB is read, of one octet more it is 413 and changes nothing, padded or not", async () => {
    expect((await call("PATCH", RULES.padEnd(MEBIBYTE))).status).toBe(200);
    const before = await readEtag();
    const text = "the body is larger than 1048576 octets";
    for (const headers of [{}, { "Transfer-Encoding": "chunked" }]) {
      // The original cuts it, and takes a padded POST for a reset.
      expect(await call("POST", " ".repeat(MEBIBYTE + 1), headers)).toMatchObject({ status: 413, text });
      expect(await call("PATCH", RULES.padEnd(MEBIBYTE + 1), headers)).toMatchObject({ status: 413, text });
    }
    expect(await readEtag()).toBe(before);
  });

  test("that stalls holds up nobody and is answered at its deadline", async () => {
    const head = `PATCH /policy HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: ${RULES.length}\r\n\r\n`;
    const stalled = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const connection = await connectRaw(inside.socketPath);
        connection.socket.write(head + RULES.slice(0, -1));
        return connection;
      }),
    );
    expect((await call("PATCH", '[{"target":"b.example"}]')).status).toBe(200);
    expect(stalled.map(({ socket }) => socket.readableEnded)).toEqual(stalled.map(() => false));
    for (const connection of stalled) {
      expect(await connection.rest()).toMatch(/^HTTP\/1\.1 408 .*the body did not arrive within 10 s$/s);
    }
  });

  test("that is aborted changes nothing, and the API goes on", async () => {
    const before = await readEtag();
    for (const method of ["POST", "PATCH", "DELETE"]) {
      const connection = await connectRaw(inside.socketPath);
      const body = method === "DELETE" ? '["a.example"]' : RULES;
      connection.socket.write(
        `${method} /policy HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: ${body.length + 1}\r\n\r\n${body}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      connection.socket.destroy();
      await once(connection.socket, "close");
    }
    expect(await readEtag()).toBe(before);
    expect(sidecar.output()).not.toContain("a request failed");
  });

  test("of a stranger is not waited for", async () => {
    const answer = await sendRaw(
      inside.socketPath,
      "POST /policy HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 .*\r\n\r\nunauthorized: /s);
  });
});
