import { describe, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { connectRaw } from "../api-server.ts";
import { REQUEST, startVaultApi, TOKEN } from "./vault-api.ts";

describe("the order of checks", () => {
  const UNREADABLE = "{";

  test("token, method, readiness, transport, body", async () => {
    await using server = await startVaultApi({
      readiness: { isTransparent: false },
      settings: { requireTls: true },
    });
    const { api, call } = server;
    expect((await api.call("POST", "/credential-vault", { body: UNREADABLE })).status).toBe(401);
    expect((await api.call("PUT", "/credential-vault", { body: UNREADABLE })).status).toBe(401);
    expect((await call("PUT", "", UNREADABLE)).status).toBe(405);
    expect(await call("POST", "", UNREADABLE)).toMatchObject({
      status: 412,
      text: "credential vault requires transparent mitmproxy",
    });
  });

  test.each([
    [{ isInsecure: true, isKernelEnforced: false }, "credential vault rejects insecure upstream TLS mode"],
    [{ isKernelEnforced: false }, "credential vault requires dns+nft egress enforcement"],
    [{ isProxyReady: async () => false }, "credential proxy is not ready"],
  ])("%j: %s", async (readiness, text) => {
    await using server = await startVaultApi({ readiness });
    for (const method of ["POST", "PATCH", "DELETE"])
      expect(await server.call(method, "", UNREADABLE)).toMatchObject({ status: 412, text });
    expect((await server.call("GET", "")).status).toBe(404);
  });

  test("a write waits for the interception to come up", async () => {
    const ready = Promise.withResolvers<boolean>();
    await using server = await startVaultApi({ readiness: { isProxyReady: () => ready.promise } });
    const created = server.call("POST", "", REQUEST);
    // Another call is answered meanwhile.
    expect((await server.call("GET", "")).status).toBe(404);
    ready.resolve(true);
    expect((await created).status).toBe(201);
  });

  test("a write whose caller has gone waits no longer", async () => {
    const waiting = Promise.withResolvers<AbortSignal>();
    await using server = await startVaultApi({
      readiness: {
        isProxyReady: async (signal) => {
          waiting.resolve(signal);
          await until("the caller has gone", () => signal.aborted);
          return false;
        },
      },
    });
    const { socket } = await connectRaw(server.api.port);
    socket.write(`DELETE /credential-vault HTTP/1.1\r\nHost: x\r\nOPENSANDBOX-EGRESS-AUTH: ${TOKEN}\r\n\r\n`);
    const signal = await waiting.promise;
    expect(signal.aborted).toBe(false);
    socket.destroy();
    await until("the wait has ended", () => signal.aborted);
  });

  test("signed writes are asked for where the setting says so", async () => {
    await using server = await startVaultApi({
      auth: { token: TOKEN, allowLocalWrites: false, signedWrites: true },
    });
    expect(await server.call("POST", "", REQUEST)).toMatchObject({
      status: 401,
      text: expect.stringContaining("has to be signed") as unknown,
    });
  });
});

describe("where credentials need TLS", () => {
  test("a caller on the loopback is let in", async () => {
    await using server = await startVaultApi({ settings: { requireTls: true } });
    expect((await server.call("POST", "", REQUEST)).status).toBe(201);
  });

  test("reads are not asked", async () => {
    await using server = await startVaultApi({ settings: { requireTls: true } });
    expect((await server.call("GET", "")).status).toBe(404);
  });
});
