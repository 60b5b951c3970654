import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../../src/api/app.ts";
import { ListenError } from "../../../src/api/errors.ts";
import { createHttpServer } from "../../../src/api/http/http-server.ts";
import { listenTcp, listenUnix } from "../../../src/api/http/listen.ts";
import { createFakeWorld } from "../../enforcement/change/change-policy-ports.ts";
import { WAIT_MS } from "../../support/limits.ts";
import { applicationOf, callApi, connectRaw, openTestAcceptor, startApi } from "../api-server.ts";

async function createServerUnderTest() {
  const { changes } = await createFakeWorld();
  const auth = { token: undefined, allowLocalWrites: true };
  const app = createApp({ control: changes, auth, onError: () => undefined });
  return createHttpServer(applicationOf(app, changes), { door: "outside" });
}

async function takePort(host: string) {
  const server = createServer();
  server.listen({ host, port: 0 });
  await once(server, "listening");
  const address = server.address();
  return { server, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}

describe("a TCP listener", () => {
  test("without a host answers over IPv4 and IPv6", async () => {
    const listener = listenTcp(await createServerUnderTest(), { host: undefined, port: 0 }, openTestAcceptor);
    for (const host of ["127.0.0.1", "::1"]) {
      expect(
        await callApi({ host, port: listener.local?.port ?? 0, method: "GET", path: "/healthz" }),
      ).toMatchObject({
        status: 200,
      });
    }
    await listener.close(100);
  });

  test.each(["127.0.0.1", "::1"])("on %s answers only there", async (host) => {
    const listener = listenTcp(await createServerUnderTest(), { host, port: 0 }, openTestAcceptor);
    const port = listener.local?.port ?? 0;
    expect(await callApi({ host, port, method: "GET", path: "/healthz" })).toMatchObject({ status: 200 });
    const other = host === "::1" ? "127.0.0.1" : "::1";
    await expect(callApi({ host: other, port, method: "GET", path: "/healthz" })).rejects.toThrow(
      "ECONNREFUSED",
    );
    await listener.close(100);
  });

  test.each(["127.0.0.1", "::1", "::"])(
    "is refused a port that another process holds on %s",
    async (host) => {
      const { server, port } = await takePort(host);
      const http = await createServerUnderTest();
      expect(() => listenTcp(http, { host: undefined, port }, openTestAcceptor)).toThrow(
        expect.objectContaining({ name: "ListenError", code: "EADDRINUSE" }),
      );
      server.close();
    },
  );

  test("on an address that is not ours is an error", async () => {
    const http = await createServerUnderTest();
    expect(() => listenTcp(http, { host: "192.0.2.1", port: 0 }, openTestAcceptor)).toThrow(ListenError);
  });
});

describe("a unix listener", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "egress-"));
    path = join(folder, "egress.sock");
  });

  afterEach(async () => rm(folder, { recursive: true, force: true }));

  test("takes the place of a killed process's socket", async () => {
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script]), "close");
    expect(existsSync(path)).toBe(true);
    const listener = await listenUnix(await createServerUnderTest(), path);
    expect(await callApi({ socketPath: path, method: "GET", path: "/healthz" })).toMatchObject({
      status: 200,
    });
    await listener.close(100);
    expect(existsSync(path)).toBe(false);
  });

  test("leaves a socket alone that is answered, and a file that is no socket", async () => {
    const listener = await listenUnix(await createServerUnderTest(), path);
    await expect(listenUnix(await createServerUnderTest(), path)).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    expect(await callApi({ socketPath: path, method: "GET", path: "/healthz" })).toMatchObject({
      status: 200,
    });
    await listener.close(100);
    await writeFile(path, "precious");
    await expect(listenUnix(await createServerUnderTest(), path)).rejects.toMatchObject({ code: "EEXIST" });
    expect(existsSync(path)).toBe(true);
  });

  test("leaves the umask as it was", async () => {
    const before = process.umask();
    const listener = await listenUnix(await createServerUnderTest(), path);
    expect(process.umask()).toBe(before);
    await listener.close(100);
  });
});

describe("closing", () => {
  test("finishes what is being answered, drops what is idle, and takes nothing new", async () => {
    const api = await startApi();
    const held = Promise.withResolvers<void>();
    api.world.hold = held.promise;
    const idle = await connectRaw(api.port);
    const change = api.call("PATCH", "/policy", {
      body: '[{"target":"a.example"}]',
      headers: { Connection: "keep-alive" },
    });
    await expect.poll(() => api.world.changes.inForce().pending).toBeDefined();
    const closed = api.listener.close(WAIT_MS);
    await idle.rest();
    await expect(api.call("GET", "/healthz")).rejects.toThrow("ECONNREFUSED");
    held.resolve();
    expect((await change).status).toBe(200);
    const began = performance.now();
    await closed;
    expect(performance.now() - began).toBeLessThan(WAIT_MS);
  });

  test("cuts at the limit what does not finish", async () => {
    const api = await startApi();
    const held = Promise.withResolvers<void>();
    api.world.hold = held.promise;
    const change = api.call("PATCH", "/policy", { body: '[{"target":"a.example"}]' });
    await expect.poll(() => api.world.changes.inForce().pending).toBeDefined();
    await Promise.all([expect(change).rejects.toThrow("socket hang up"), api.listener.close(50)]);
    held.resolve();
  });
});
