import { once } from "node:events";
import { type RequestListener, type Server, createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  ApiError,
  type ClientOptions,
  ConnectionError,
  createEgressClient,
} from "../../src/client/client.ts";
import { type ApiServerOptions, callApi, startApi } from "../api/api-server.ts";
import { REPORT, statusSources } from "../api/status-sources.ts";
import { policyOf } from "../support/policy.ts";

const TOKEN = "s3cret";
const BASE = policyOf({ egress: [{ action: "allow", target: "example.org" }] });

async function startSidecar(options: ApiServerOptions = {}, client: Partial<ClientOptions> = {}) {
  const api = await startApi({ policy: BASE, ...options });
  const endpoint = { url: `http://127.0.0.1:${api.port}` };
  return { ...api, client: createEgressClient({ endpoint, ...client }) };
}

describe("the client", () => {
  test("reads and changes the policy", async () => {
    await using api = await startSidecar();
    const { client } = api;
    const before = await client.getPolicy();
    expect(before).toEqual({
      status: "ok",
      mode: "enforcing",
      enforcementMode: "dns+nft",
      policy: { egress: [{ action: "allow", target: "example.org" }], defaultAction: "deny" },
      etag: api.world.changes.snapshot().etag,
    });
    const patched = await client.patchRules([
      { action: "deny", target: "*.evil.example" },
      { target: "a.example" },
    ]);
    expect(patched).toMatchObject({ mode: "enforcing", etag: api.world.changes.snapshot().etag });
    expect((await client.getPolicy()).policy.egress).toEqual([
      { action: "deny", target: "*.evil.example" },
      { action: "deny", target: "a.example" },
      { action: "allow", target: "example.org" },
    ]);
    expect(await client.deleteRules(["nowhere.example"])).toMatchObject({
      reason: "no matching targets found",
    });
    await client.deleteRules(["a.example"]);
    await client.replacePolicy({ defaultAction: "allow" });
    expect(await client.getPolicy()).toMatchObject({ mode: "allow_all" });
    expect(await client.resetPolicy()).toMatchObject({
      mode: "deny_all",
      reason: "policy reset to default deny-all",
    });
  });

  test("shows what a change would do, with dryRun", async () => {
    await using api = await startSidecar();
    const { etag } = api.world.changes.snapshot();
    expect(await api.client.deleteRules(["example.org"], { dryRun: true })).toMatchObject({
      mode: "deny_all",
      dryRun: true,
      policy: { egress: [] },
      added: [],
      removed: [{ action: "allow", target: "example.org" }],
      etag,
    });
    expect(api.world.changes.snapshot().etag).toBe(etag);
  });

  test("reads what is in force, a page of learned addresses at a time", async () => {
    const asked: object[] = [];
    const report = (page: object) => {
      asked.push(page);
      return { ...REPORT, learned: { ...REPORT.learned, next: asked.length === 1 ? 41 : undefined } };
    };
    await using api = await startSidecar({ status: statusSources({ report }) });
    const first = await api.client.getStatus({ limit: 2 });
    expect(first).toMatchObject({ version: "1.2.3", learned: { total: 2, next: "41" } });
    expect(first).not.toHaveProperty("etag");
    const second = await api.client.getStatus({ limit: 2, after: first.learned.next ?? "" });
    expect(second.learned.next).toBeUndefined();
    expect(asked).toEqual([
      { limit: 2, after: 0 },
      { limit: 2, after: 41 },
    ]);
    await expect(api.client.getStatus({ limit: 1001 })).rejects.toMatchObject({ code: "invalid-query" });
  });

  test("reads an unhealthy sidecar's reason", async () => {
    await using api = await startSidecar();
    expect(await api.client.getHealth()).toEqual({ ok: true });
    api.world.health = { ok: false, reason: "the resolver does not answer" };
    expect(await api.client.getHealth()).toEqual({ ok: false, reason: "the resolver does not answer" });
  });

  test("works over the unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "egress-"));
    {
      const socketPath = join(folder, "egress.sock");
      await using _api = await startApi({ socketPath, auth: { token: TOKEN, allowLocalWrites: false } });
      const client = createEgressClient({ endpoint: { socketPath } });
      expect(await client.patchRules([{ target: "a.example" }])).toMatchObject({ mode: "enforcing" });
    }
    await rm(folder, { recursive: true });
  });
});

describe("the token", () => {
  const auth = { token: TOKEN, allowLocalWrites: false };

  test("never crosses the network, and each call proves it anew", async () => {
    await using api = await startSidecar({ auth: { ...auth, signedWrites: true } }, { token: TOKEN });
    await api.client.getPolicy();
    await api.client.patchRules([{ target: "a.example" }], { dryRun: true });
    await api.client.patchRules([{ target: "a.example" }], { dryRun: true, ifMatch: "*" });
    await api.client.patchRules([{ target: "ä.example" }]);
    await api.client.resetPolicy();
    await api.client.deleteRules(["x.example"]);
    expect(api.world.steps).toHaveLength(6);
  });

  test("is proved below a proxy's path too", async () => {
    await using api = await startSidecar({ auth });
    const seen: string[] = [];
    await using proxy = await listen((incoming, outgoing) => {
      seen.push(incoming.url ?? "", JSON.stringify(incoming.headers));
      void forward(api.port, incoming, outgoing);
    });
    const endpoint = { url: `http://127.0.0.1:${proxy.port}/sandboxes/7/proxy/18080/` };
    const client = createEgressClient({ endpoint, token: TOKEN, headers: { "X-Route": "7" } });
    await client.patchRules([{ target: "a.example" }], { dryRun: true });
    expect(seen[0]).toBe("/sandboxes/7/proxy/18080/policy?dryRun=true");
    expect(seen[1]).toContain('"x-route":"7"');
    expect(seen[1]).not.toContain(TOKEN);
  });

  test("is sent as it is where that is asked for", async () => {
    await using api = await startSidecar({ auth }, { token: TOKEN, proof: "token" });
    expect(await api.client.getPolicy()).toMatchObject({ status: "ok" });
  });

  test("that is wrong is a typed error", async () => {
    await using api = await startSidecar({ auth }, { token: "other" });
    await expect(api.client.getPolicy()).rejects.toMatchObject({
      name: "ApiError",
      status: 401,
      code: "unauthorized",
      message: "unauthorized: the signature is not this call's",
    });
  });
});

describe("a refusal is an ApiError", () => {
  test("with every problem and its place", async () => {
    await using api = await startSidecar();
    const refused = api.client.patchRules([{ target: "a.example" }, { target: "*" }, { target: "x y" }]);
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    await expect(refused).rejects.toMatchObject({
      status: 400,
      code: "invalid-rules",
      problems: [{ path: "[1].target" }, { path: "[2].target" }],
      etag: api.world.changes.snapshot().etag,
    });
  });

  test("with the tag that holds where ifMatch does not", async () => {
    await using api = await startSidecar();
    const { etag } = api.world.changes.snapshot();
    await expect(api.client.resetPolicy({ ifMatch: '"old"' })).rejects.toMatchObject({
      status: 412,
      code: "precondition-failed",
      etag,
      mayBeOwnDoing: false,
    });
    expect(await api.client.resetPolicy({ ifMatch: etag })).toMatchObject({ mode: "deny_all" });
  });

  test.each([
    [502, "Bad Gateway: no upstream\nmore", "Bad Gateway: no upstream"],
    [404, "", "the answer is 404, without a reason"],
    [302, "", "the answer is 302, without a reason"],
    [200, "<html>", "what answers there is not the sidecar"],
    [200, '{"status":"error"}', "what answers there is not the sidecar"],
    [204, "", "what answers there is not the sidecar"],
  ])("also where something else answers %i %j", async (status, text, message) => {
    await using other = await listen((_incoming, outgoing) => {
      outgoing.writeHead(status, { Location: "http://example.org/" }).end(text);
    });
    const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${other.port}` } });
    await expect(client.getPolicy()).rejects.toMatchObject({ status, code: "not-the-sidecar", message });
  });
});

describe("a call without an answer", () => {
  test("is tried again whatever it is while nothing listens, and no more than told", async () => {
    const port = await findFreePort();
    const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${port}` }, retries: 2 });
    const began = performance.now();
    await expect(client.patchRules([{ target: "a.example" }])).rejects.toMatchObject({
      name: "ConnectionError",
      code: "ECONNREFUSED",
      mayBeDone: false,
      message: `no answer from http://127.0.0.1:${port}: ECONNREFUSED`,
    });
    expect(performance.now() - began).toBeGreaterThan(290);
    const patched = client.patchRules([{ target: "a.example" }]);
    const late = await startApi({ port });
    expect(await patched).toMatchObject({ mode: "enforcing" });
    expect(late.world.steps).toEqual(["stage", "enforce", "commit"]);
    await late.listener.close(0);
  });

  test.each([
    ["a read", 3, (client: Client) => client.getPolicy()],
    ["a dry run", 3, (client: Client) => client.resetPolicy({ dryRun: true })],
    ["a change with its tag", 3, (client: Client) => client.deleteRules(["a.example"], { ifMatch: '"x"' })],
    ["a change with the tag *", 1, (client: Client) => client.deleteRules(["a.example"], { ifMatch: "*" })],
    ["a patch", 1, (client: Client) => client.patchRules([{ target: "a.example" }])],
    ["a replacement", 1, (client: Client) => client.replacePolicy({})],
    ["a removal", 1, (client: Client) => client.deleteRules(["a.example"])],
  ])("after it was sent: %s is sent %i times in all", async (_what, times, call) => {
    let calls = 0;
    await using silent = await listen((incoming) => {
      calls += 1;
      incoming.socket.destroy();
    });
    const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${silent.port}` } });
    await expect(call(client)).rejects.toMatchObject({ code: "ECONNRESET", mayBeDone: true });
    expect(calls).toBe(times);
  });

  test("that changed the policy all the same is told from another's change", async () => {
    await using api = await startApi({ policy: BASE });
    const { etag } = api.world.changes.snapshot();
    let calls = 0;
    await using lossy = await listen((incoming, outgoing) => {
      calls += 1;
      void forward(api.port, incoming, calls === 1 ? undefined : outgoing);
    });
    const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${lossy.port}` } });
    await expect(client.resetPolicy({ ifMatch: etag })).rejects.toMatchObject({
      code: "precondition-failed",
      mayBeOwnDoing: true,
    });
    expect(api.world.steps).toEqual(["stage", "enforce", "commit"]);
  });

  test("ends at its time limit", async () => {
    await using silent = await listen(() => undefined);
    const endpoint = { url: `http://127.0.0.1:${silent.port}` };
    const client = createEgressClient({ endpoint, timeoutMs: 150 });
    const refused = client.getPolicy();
    await expect(refused).rejects.toBeInstanceOf(ConnectionError);
    await expect(refused).rejects.toMatchObject({ code: "ETIMEDOUT", mayBeDone: true });
  });

  test("ends when its caller says so, with the caller's reason", async () => {
    await using silent = await listen(() => undefined);
    const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${silent.port}` } });
    const stop = new AbortController();
    const call = client.getPolicy({ signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
  });
});

type Client = ReturnType<typeof createEgressClient>;

async function listen(answer: RequestListener): Promise<AsyncDisposable & { readonly port: number }> {
  const server: Server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: portOf(server),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Passes a request on as a proxy does, its own path taken away; without `outgoing` the answer is lost. */
async function forward(
  port: number,
  ...[incoming, outgoing]: [Parameters<RequestListener>[0], Parameters<RequestListener>[1] | undefined]
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).flatMap(([name, value]) =>
      typeof value === "string" && name !== "connection" ? [[name, value] as const] : [],
    ),
  );
  const path = (incoming.url ?? "").replace(/^.*\/policy/, "/policy");
  const body = Buffer.concat(chunks).toString();
  const answer = await callApi({
    host: "127.0.0.1",
    port,
    method: incoming.method ?? "",
    path,
    headers,
    body,
  });
  if (outgoing === undefined) incoming.socket.destroy();
  else outgoing.writeHead(answer.status, answer.headers).end(answer.text);
}

async function findFreePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

function portOf(server: Pick<Server, "address">): number {
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}
