/** What callers who have not proved themselves may cost: false signatures, replays, bodies that never end. */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { type ApiServer, connectRaw, startApi } from "./api-server.ts";

const MEBIBYTE = 1 << 20;
const TOKEN = "s3cret";
const BODY = '[{"action":"allow","target":"a.example"}]';
const auth = { token: TOKEN, allowLocalWrites: false };

/** Headers of a signed PATCH, put together here as the API's text says. */
function sign(body: string, { timeMs = Date.now(), token = TOKEN, digest = true } = {}) {
  const hash = createHash("sha256").update(body);
  const base64 = hash.copy().digest("base64");
  const nonce = randomUUID();
  const mac = createHmac("sha256", token).update(
    `PATCH\n/policy\n${timeMs}\n${nonce}\n${hash.digest("hex")}`,
  );
  return {
    "OPENSANDBOX-EGRESS-SIGNATURE": `t=${timeMs},n=${nonce},v1=${mac.digest("hex")}`,
    ...(digest ? { "Content-Digest": `sha-256=:${base64}:` } : {}),
  };
}

function head(headers: Record<string, string>, length: number): string {
  const lines = Object.entries({ Host: "x", "Content-Length": String(length), ...headers });
  return `PATCH /policy HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** A body that lacks its last octet, under a false signature. */
async function sendUnproved(api: ApiServer, octets: number): Promise<Socket> {
  const { socket } = await connectRaw(api.port);
  socket.write(head(sign("x", { token: "other", digest: false }), octets + 1));
  socket.write(" ".repeat(octets));
  return socket;
}

describe("a signature over a digest that the call carries", () => {
  test("lets the change in, and is good once", async () => {
    await using api = await startApi({ auth });
    const headers = sign(BODY);
    expect((await api.call("PATCH", "/policy", { body: BODY, headers })).status).toBe(200);
    expect(await api.call("PATCH", "/policy", { body: BODY, headers })).toMatchObject({
      status: 401,
      text: expect.stringContaining("used before"),
    });
  });

  test.each([
    ["false", sign(BODY, { token: "other" })],
    ["of another body", { ...sign(BODY), "Content-Digest": sign("[]")["Content-Digest"] ?? "" }],
  ])("that is %s is refused before the body is asked for", async (_what, headers) => {
    await using api = await startApi({ auth, startMs: 0 });
    const connection = await connectRaw(api.port);
    connection.socket.write(head({ ...headers, Expect: "100-continue", Connection: "close" }, BODY.length));
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 401 .*the signature is not this call's$/s);
  });

  test("does not let another body in", async () => {
    await using api = await startApi({ auth });
    const answer = await api.call("PATCH", "/policy", {
      body: BODY.replace("a.", "b."),
      headers: sign(BODY),
    });
    expect(answer).toMatchObject({ status: 401, text: "unauthorized: the signature is not this call's" });
    expect(api.world.steps).toEqual([]);
  });

  test("is taken while its body is under way: sent a second time it holds no memory", async () => {
    await using api = await startApi({ auth });
    const headers = sign(BODY);
    const first = await connectRaw(api.port);
    first.socket.write(head({ ...headers, Expect: "100-continue", Connection: "close" }, BODY.length));
    await first.seen("100 Continue");
    const second = await connectRaw(api.port);
    second.socket.write(head({ ...headers, Expect: "100-continue", Connection: "close" }, BODY.length));
    expect(await second.rest()).toMatch(/^HTTP\/1\.1 401 .*used before/s);
    first.socket.write(BODY);
    expect(await first.rest()).toMatch(/HTTP\/1\.1 200 OK/);
  });
});

describe("a change that was signed before the last one that was made", () => {
  test.each([true, false])("is refused, however fresh its nonce (digest sent: %s)", async (digest) => {
    const startMs = Date.now() - 1000;
    await using api = await startApi({ auth, startMs });
    const patch = async (action: string, timeMs: number, path = "/policy") => {
      const body = `[{"action":"${action}","target":"a.example"}]`;
      return api.call("PATCH", path, { body, headers: sign(body, { timeMs, digest }) });
    };
    const held = startMs + 100;
    expect((await patch("deny", held + 1)).status).toBe(200);
    expect(await patch("allow", held)).toMatchObject({
      status: 401,
      text: expect.stringMatching(
        /^unauthorized: a change that was signed later has been made: .*sign again/,
      ),
    });
    expect((await patch("deny", held + 1)).status).toBe(200);
    expect(api.world.changes.snapshot().policy.egress.map(({ action }) => action)).toEqual(["deny"]);
  });

  test("is not refused because of one that was refused, or of a dry run", async () => {
    const startMs = Date.now() - 1000;
    await using api = await startApi({ auth, startMs });
    const later = sign(BODY, { timeMs: startMs + 200, token: "other" });
    expect((await api.call("PATCH", "/policy", { body: BODY, headers: later })).status).toBe(401);
    const headers = sign(BODY, { timeMs: startMs + 100 });
    expect((await api.call("PATCH", "/policy", { body: BODY, headers })).status).toBe(200);
  });
});

describe("bodies of callers who are not proved", () => {
  test("share a few mebibytes: a large one is refused, with what would help", async () => {
    await using api = await startApi({ auth });
    const answers: Promise<string>[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { socket, rest } = await connectRaw(api.port);
      socket.write(head(sign("x", { token: "other", digest: false }), MEBIBYTE));
      socket.write(" ".repeat(MEBIBYTE - 1));
      answers.push(rest());
    }
    expect(await Promise.race(answers)).toMatch(
      /^HTTP\/1\.1 503 .*send the token, or sign with a Content-Digest/s,
    );
  });

  test.each([true, false])(
    "keep no honest one out, though they take all places (digest sent: %s)",
    async (digest) => {
      await using api = await startApi({ auth, limits: { connectionShare: 8 } });
      const crowd: Socket[] = [];
      for (let n = 0; n < 8; n += 1) crowd.push(await sendUnproved(api, 1000));
      for (let n = 0; n < 3; n += 1) {
        const body = BODY.padEnd(MEBIBYTE / 2, " ");
        const answer = await api.call("PATCH", "/policy", { body, headers: sign(body, { digest }) });
        expect(answer.status).toBe(200);
        crowd.push(await sendUnproved(api, MEBIBYTE / 2));
      }
      const headers = { "OPENSANDBOX-EGRESS-AUTH": TOKEN };
      expect((await api.call("PATCH", "/policy", { body: BODY, headers })).status).toBe(200);
      for (const socket of crowd) socket.destroy();
    },
  );

  test("give way to nobody once their caller is proved", async () => {
    await using api = await startApi({ auth, limits: { connectionShare: 2 } });
    const proved = await connectRaw(api.port);
    proved.socket.write(head({ "OPENSANDBOX-EGRESS-AUTH": TOKEN, Connection: "close" }, BODY.length));
    proved.socket.write(BODY.slice(0, 3));
    for (let n = 0; n < 4; n += 1) {
      const { socket } = await connectRaw(api.port);
      socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
      await once(socket, "data");
    }
    proved.socket.write(BODY.slice(3));
    expect(await proved.rest()).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test("may come in chunks of an octet each", async () => {
    await using api = await startApi({ auth });
    const connection = await connectRaw(api.port);
    const headers = sign("x", { token: "other", digest: false });
    const chunked = head({ ...headers, Connection: "close" }, 0).replace(
      "Content-Length: 0",
      "Transfer-Encoding: chunked",
    );
    connection.socket.write(chunked + "1\r\n \r\n".repeat(200_000) + "0\r\n\r\n");
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 401 .*the signature is not this call's$/s);
  });
});
