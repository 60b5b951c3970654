import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connectRaw, sendRaw, startApi } from "./api-server.ts";

const MEBIBYTE = 1 << 20;
const RULES = '[{"action":"allow","target":"a.example"}]';

function patch(body: string, headers = ""): string {
  return `PATCH /policy HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

describe("a body", () => {
  test("of one mebibyte is read; of one octet more it is 413 and changes nothing", async () => {
    await using api = await startApi();
    const padded = RULES.padEnd(MEBIBYTE, " ");
    expect((await api.call("PATCH", "/policy", { body: padded })).status).toBe(200);
    const before = api.world.changes.snapshot();
    for (const headers of [{ "Content-Length": String(MEBIBYTE + 1) }, { "Transfer-Encoding": "chunked" }]) {
      const answer = await api.call("POST", "/policy", { body: " ".repeat(MEBIBYTE + 1), headers });
      expect(answer).toMatchObject({ status: 413, text: "the body is larger than 1048576 octets" });
      expect(answer.headers.connection).toBe("close");
    }
    expect(api.world.changes.snapshot()).toBe(before);
  });

  test("without end is answered, read no further and cut off", async () => {
    await using api = await startApi();
    const connection = await connectRaw(api.port);
    connection.socket.write("POST /policy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
    const pump = (): void => {
      while (!connection.socket.destroyed && connection.socket.write(chunk));
    };
    connection.socket.on("drain", pump);
    pump();
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 413 .*\r\n\r\nthe body is larger than/s);
    // What the server's kernel and ours buffer is a few mebibytes.
    expect(connection.socket.bytesWritten).toBeLessThan(16 * MEBIBYTE);
  });

  test("that stalls holds up nobody and is 408 at the deadline", async () => {
    await using api = await startApi({ bodyLimits: { octets: MEBIBYTE, deadlineMs: 300 } });
    const connection = await connectRaw(api.port);
    connection.socket.write(patch(RULES).slice(0, -1));
    expect((await api.call("PATCH", "/policy", { body: RULES })).status).toBe(200);
    expect(api.world.steps).toEqual(["stage", "enforce", "commit"]);
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 408 .*the body did not arrive within 0\.3 s$/s);
    expect(api.world.steps).toEqual(["stage", "enforce", "commit"]);
  });

  test.each([patch(RULES).slice(0, -1), patch("").replace("Content-Length: 0", "Content-Length: 5")])(
    "that is cut off changes nothing",
    async (text) => {
      await using api = await startApi();
      const connection = await connectRaw(api.port);
      connection.socket.write(text.replace("PATCH", "POST"));
      await new Promise((resolve) => setTimeout(resolve, 50));
      connection.socket.destroy();
      expect((await api.call("GET", "/healthz")).status).toBe(200);
      expect(api.world.steps).toEqual([]);
      expect(api.errors).toEqual([]);
    },
  );

  test("that is half-closed too early changes nothing", async () => {
    await using api = await startApi();
    const connection = await connectRaw(api.port);
    connection.socket.end(patch(RULES).slice(0, -1));
    await connection.rest();
    expect(api.world.steps).toEqual([]);
  });

  test("that is no UTF-8 is refused", async () => {
    await using api = await startApi();
    const connection = await connectRaw(api.port);
    connection.socket.write(
      "POST /policy HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
    );
    connection.socket.write(Buffer.from([0xff, 0xfe]));
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 400 .*the body is not UTF-8 text$/s);
  });

  test("is asked for with 100 Continue only of those who may write", async () => {
    await using api = await startApi({ auth: { token: "s3cret", allowLocalWrites: false } });
    const expecting = patch(RULES, "Expect: 100-continue\r\nConnection: close\r\n");
    const [head = ""] = expecting.split("\r\n\r\n");
    expect(await sendRaw(api.port, `${head}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 401 /);
    const connection = await connectRaw(api.port);
    connection.socket.write(`${head}\r\nOPENSANDBOX-EGRESS-AUTH: s3cret\r\n\r\n`);
    await connection.seen("HTTP/1.1 100 Continue\r\n\r\n");
    connection.socket.write(RULES);
    expect(await connection.rest()).toMatch(/\r\nHTTP\/1\.1 200 OK\r\n/);
  });
});

describe("what is not HTTP as it should be", () => {
  const LONG = "x".repeat(20_000);

  test.each([
    ["no HTTP at all", "hello\r\n\r\n", 400],
    ["an unknown method", "FOO /policy HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["a header without a colon", "GET /policy HTTP/1.1\r\nHost x\r\n\r\n", 400],
    ["headers that are too large", `GET /policy HTTP/1.1\r\nHost: x\r\nX: ${LONG}\r\n\r\n`, 431],
    ["a target that is too long", `GET /${LONG} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ["no Host", "GET /policy HTTP/1.1\r\n\r\n", 400],
    ["a bad Host", "GET /policy HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n", 400],
    ["a bad target", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["an unknown expectation", "GET /policy HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417],
    ["CONNECT", "CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405],
    [
      "two lengths",
      "POST /policy HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
    ],
    [
      "a length and chunks",
      "POST /policy HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
    ["a broken chunk", "POST /policy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400],
  ])("%s is answered with a text", async (_what, text, status) => {
    await using api = await startApi();
    const answer = await sendRaw(api.port, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.toLowerCase()).toContain("content-type: text/plain; charset=utf-8");
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(body).not.toBe("");
    expect(head.toLowerCase()).toContain(`content-length: ${body.length}`);
    expect(api.world.steps).toEqual([]);
  });

  test("behind a good request waits for that one's answer", async () => {
    await using api = await startApi();
    const held = Promise.withResolvers<void>();
    api.world.hold = held.promise;
    const connection = await connectRaw(api.port);
    connection.socket.write(`${patch(RULES)}garbage\r\n\r\n`);
    await expect.poll(() => api.world.changes.inForce().pending).toBeDefined();
    held.resolve();
    const answers = (await connection.rest()).match(/HTTP\/1\.1 \d+/g);
    expect(answers).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
  });

  test("requests on one connection are answered in order", async () => {
    await using api = await startApi();
    const close = "GET /policy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const answers = await sendRaw(api.port, `${patch(RULES)}${patch('[{"target":"b.example"}]')}${close}`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 200"]);
    expect(answers).toContain(
      '[{"action":"deny","target":"b.example"},{"action":"allow","target":"a.example"}]',
    );
  });
});

describe("requests that do not wait for answers", () => {
  const GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

  test("are answered up to a handful at once, and more are refused unread", async () => {
    await using api = await startApi({ limits: { pipelined: 4 } });
    const last = GET.replace("Host", "Connection: close\r\nHost");
    const few = await sendRaw(api.port, `${GET.repeat(3)}${last}`);
    expect(few.match(/HTTP\/1\.1 \d+/g)).toEqual(Array.from({ length: 4 }, () => "HTTP/1.1 200"));
    expect(await sendRaw(api.port, GET.repeat(5))).toMatch(/^HTTP\/1\.1 400 .*the request is malformed$/s);
    expect(await sendRaw(api.port, "SOURCE / ICE/1.0\r\n\r\n".repeat(5))).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("are cut off once too many wait, however they came", async () => {
    await using api = await startApi({ limits: { pipelined: 4 } });
    const held = Promise.withResolvers<void>();
    api.world.hold = held.promise;
    const connection = await connectRaw(api.port);
    connection.socket.write(patch(RULES));
    await expect.poll(() => api.world.changes.inForce().pending).toBeDefined();
    for (let n = 0; n < 5 && !connection.socket.closed; n += 1) {
      connection.socket.write(GET);
      // Each in a packet of its own.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await connection.rest()).toBe("");
    held.resolve();
  });
});

describe("connections that do nothing", () => {
  test("are cut off with a text when their headers do not come in time", async () => {
    await using api = await startApi({ limits: { headersMs: 200, requestMs: 400 } });
    const idle = await connectRaw(api.port);
    const slow = await connectRaw(api.port);
    slow.socket.write("GET /policy HTTP/1.1\r\nX: ");
    expect(await slow.rest()).toMatch(/^HTTP\/1\.1 408 .*the request did not arrive in time$/s);
    await idle.rest();
  });

  test("by the thousand do not keep others out", async () => {
    await using api = await startApi({ limits: { connectionShare: 64 } });
    const sockets = Array.from({ length: 1000 }, () => connect({ host: "127.0.0.1", port: api.port }));
    for (const socket of sockets) socket.on("error", () => undefined);
    await Promise.allSettled(sockets.map((socket) => once(socket, "connect")));
    for (let n = 0; n < 20; n += 1) expect((await api.call("GET", "/healthz")).text).toBe("ok");
    for (const socket of sockets) socket.destroy();
  });

  test("and many newcomers at once do not cut each other off before they are read", async () => {
    await using api = await startApi({ limits: { connectionShare: 4 } });
    const asked = Array.from({ length: 100 }, () => api.call("GET", "/healthz"));
    for (const answer of await Promise.all(asked)) expect(answer.text).toBe("ok");
  });

  test("give way longest idle first, and one that waits for its answer never", async () => {
    await using api = await startApi({ limits: { connectionShare: 4 } });
    const held = Promise.withResolvers<void>();
    api.world.hold = held.promise;
    const busy = api.call("PATCH", "/policy", { body: RULES });
    await expect.poll(() => api.world.changes.inForce().pending).toBeDefined();
    const idle: Awaited<ReturnType<typeof connectRaw>>[] = [];
    for (let n = 0; n < 6; n += 1) {
      const connection = await connectRaw(api.port);
      idle.push(connection);
      // The server has to have seen it: its kernel connects. Three find room beside the busy one.
      await expect.poll(() => idle.filter(({ socket }) => socket.closed).length).toBe(Math.max(0, n - 2));
    }
    expect(idle.map(({ socket }) => socket.closed)).toEqual([true, true, true, false, false, false]);
    held.resolve();
    expect((await busy).status).toBe(200);
    for (const { socket } of idle) socket.destroy();
  });

  test("but leave a large answer unread give way, too", async () => {
    await using api = await startApi({ limits: { connectionShare: 4 } });
    const rules = Array.from({ length: 4000 }, (_, n) => ({ target: `${n}.${"long.".repeat(40)}example` }));
    expect((await api.call("PATCH", "/policy", { body: JSON.stringify(rules) })).status).toBe(200);
    const deaf = [];
    for (let n = 0; n < 4; n += 1) {
      const { socket } = await connectRaw(api.port);
      deaf.push(socket);
      socket.write("GET /policy HTTP/1.1\r\nHost: x\r\n\r\n");
      await once(socket, "data");
      socket.pause();
    }
    expect((await api.call("GET", "/healthz")).text).toBe("ok");
    for (const socket of deaf) socket.destroy();
  });

  test("and leave answers unread hold some mebibytes of them in all: the longest idle go, and the last is whole", async () => {
    await using made = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "egress-api-"));
    made.defer(() => rm(folder, { recursive: true }));
    const socketPath = join(folder, "egress.sock");
    await using api = await startApi({ socketPath });
    const rules = Array.from({ length: 4000 }, (_, n) => ({ target: `${n}.${"long.".repeat(40)}example` }));
    await api.call("PATCH", "/policy", { body: JSON.stringify(rules) });
    const { text } = await api.call("GET", "/policy");
    const count = Math.ceil((16 << 20) / text.length);
    const deaf: Socket[] = [];
    for (let n = 0; n < count; n += 1) {
      const socket = connect({ path: socketPath });
      deaf.push(socket);
      socket.write("GET /policy HTTP/1.1\r\nHost: x\r\n\r\n");
      await once(socket, "data");
      socket.pause();
    }
    const whole = await Promise.all(deaf.map((socket) => hasAll(socket, text.slice(-100))));
    expect(whole.at(-1)).toBe(true);
    const kept = whole.lastIndexOf(false) + 1;
    expect(whole).toEqual([...Array.from({ length: kept }, () => false), ...whole.slice(kept)]);
    expect(kept).toBeGreaterThan(0);
    expect(whole.length - kept).toBeGreaterThan(2);
  });
});

/** Whether what the socket still has to read ends so. */
async function hasAll(socket: Socket, ending: string): Promise<boolean> {
  let text = "";
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.setEncoding("latin1").on("data", (part: string) => {
    text = (text + part).slice(-2 * ending.length);
    if (text.endsWith(ending)) resolve(true);
  });
  socket.on("error", () => resolve(false)).on("close", () => resolve(false));
  socket.resume();
  const isWhole = await promise;
  socket.destroy();
  return isWhole;
}
