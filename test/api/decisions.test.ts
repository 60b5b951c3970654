import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { createDecisionRing } from "../../src/decisions/decision-ring.ts";
import { connectionOf, lookupOf } from "../support/decisions.ts";
import { type ApiServer, startApi } from "./api-server.ts";

const AUTH = { token: "secret", allowLocalWrites: false };

async function start(options: Parameters<typeof startApi>[0] = {}) {
  const ring = createDecisionRing(64);
  const api = await startApi({ decisions: { ring, run: "run1", upstreams: [] }, ...options });
  return { ring, api };
}

async function list(
  api: ApiServer,
  query = "",
): Promise<{ ids: readonly string[]; answer: Record<string, unknown> }> {
  const { status, text } = await api.call("GET", `/decisions${query}`);
  expect([status, text]).toEqual([200, expect.any(String)]);
  const answer = JSON.parse(text);
  return { ids: answer.decisions.map(({ id }: { id: string }) => id), answer };
}

/** Reads a stream until it is left. */
function follow(port: number, path: string, headers: Readonly<Record<string, string>> = {}) {
  const state = { status: 0, text: "", isOver: false };
  const outgoing = request({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
    state.status = response.statusCode ?? 0;
    response.setEncoding("utf8").on("data", (chunk: string) => (state.text += chunk));
    response.on("close", () => (state.isOver = true)).on("error", () => undefined);
  });
  outgoing.on("error", () => (state.isOver = true));
  outgoing.end();
  return {
    state,
    seen: (text: string) => expect.poll(() => state.text).toContain(text),
    leave: () => outgoing.destroy(),
  };
}

describe("GET /decisions", () => {
  test("shows the newest first, and its pages hold each decision once", async () => {
    const { ring, api } = await start();
    await using _api = api;
    for (let n = 1; n <= 5; n += 1) ring.record(lookupOf(`n${n}.example.org`));
    const first = await list(api, "?limit=2");
    expect(first.ids).toEqual(["run1-5", "run1-4"]);
    expect(first.answer).toMatchObject({ status: "ok", newest: "run1-5", next: "run1-4" });
    const second = await list(api, "?limit=2&after=run1-4");
    expect(second.ids).toEqual(["run1-3", "run1-2"]);
    const last = await list(api, `?after=${String(second.answer["next"])}`);
    expect(last.ids).toEqual(["run1-1"]);
    expect(last.answer).not.toHaveProperty("next");
  });

  test("has none before the first", async () => {
    const { api } = await start();
    await using _api = api;
    expect((await list(api)).answer).toEqual({ status: "ok", decisions: [], newest: "run1-0" });
  });

  test("shows what the filters ask for, all of them together", async () => {
    const { ring, api } = await start();
    await using _api = api;
    ring.record(lookupOf("www.example.org", { addresses: ["198.51.100.7"] }));
    ring.record(lookupOf("api.example.org", { decision: "denied" }));
    ring.record(connectionOf("198.51.100.7", { name: "www.example.org" }));
    expect((await list(api, "?decision=denied,withheld")).ids).toEqual(["run1-3", "run1-2"]);
    expect((await list(api, "?kind=connection")).ids).toEqual(["run1-3"]);
    expect((await list(api, "?name=WWW.example.org.")).ids).toEqual(["run1-3", "run1-1"]);
    expect((await list(api, "?name=*.example.org&decision=denied&kind=lookup")).ids).toEqual(["run1-2"]);
    expect((await list(api, "?address=198.51.100.0/28")).ids).toEqual(["run1-3", "run1-1"]);
  });

  test.each([
    ["?Limit=1", "there is no such parameter"],
    ["?limit=1001", "limit: must be a whole number"],
    ["?limit=-1", "limit: must be a whole number"],
    ["?limit=1&limit=2", "limit: must be given once"],
    ["?after=4", "after: must be the next"],
    ["?after=run0-4", "after: the sidecar has been started again"],
    ["?decision=allow", "decision: must be one"],
    ["?decision=", "decision: must be one"],
    ["?kind=lookups", "kind: must be one"],
    ["?name=*", "name: "],
    ["?name=198.51.100.7", "name: is an address"],
    ["?address=example.org", "address: must be an address or a prefix"],
  ])("refuses %s", async (query, reason) => {
    const { api } = await start();
    await using _api = api;
    const answer = await api.call("GET", `/decisions${query}`);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(reason)]);
  });

  test.each(["/decisions", "/events"])("%s asks for the token, and takes no other method", async (path) => {
    const { api } = await start({ auth: AUTH });
    await using _api = api;
    expect((await api.call("GET", path)).status).toBe(401);
    const bearer = { Authorization: "Bearer secret" };
    expect(await api.call("POST", path, { headers: bearer })).toMatchObject({ status: 405 });
    expect(await api.call("HEAD", path, { headers: bearer })).toMatchObject({ status: 200, text: "" });
  });
});

describe("GET /events", () => {
  test("tells what is decided from now on, of what is asked for", async () => {
    const { ring, api } = await start();
    await using _api = api;
    ring.record(lookupOf("before.example.org", { decision: "denied" }));
    const stream = follow(api.port, "/events?decision=denied");
    await stream.seen("retry:");
    ring.record(lookupOf("allowed.example.org"));
    ring.record(lookupOf("denied.example.org", { decision: "denied" }));
    await stream.seen("denied.example.org");
    expect(stream.state.text).not.toMatch(/before|allowed/);
    stream.leave();
  });

  test("goes on behind the last id that was seen", async () => {
    const { ring, api } = await start();
    await using _api = api;
    for (let n = 1; n <= 3; n += 1) ring.record(lookupOf(`n${n}.example.org`));
    const stream = follow(api.port, "/events", { "Last-Event-ID": "run1-2" });
    await stream.seen("n3.example.org");
    expect(stream.state.text).not.toContain("n2");
    stream.leave();
  });

  test("tells of a gap: of decisions that are gone, and of a run that is over", async () => {
    const { ring, api } = await start();
    await using _api = api;
    for (let n = 1; n <= 70; n += 1) ring.record(lookupOf(`n${n}.example.org`));
    const late = follow(api.port, "/events", { "Last-Event-ID": "run1-2" });
    await expect.poll(() => late.state.text).toContain('event: gap\ndata: {"missed":4}\n\nid: run1-7\n');
    const older = follow(api.port, "/events", { "Last-Event-ID": "run0-2" });
    await older.seen('event: gap\ndata: {"restarted":true}\n\nid: run1-7\n');
    late.leave();
    older.leave();
  });

  test.each([
    ["/events?limit=1", {}, "there is no such parameter"],
    ["/events?decision=no", {}, "decision: must be one"],
    ["/events", { "Last-Event-ID": "7" }, "Last-Event-ID: must be"],
  ])("refuses %s %j", async (path, headers, reason) => {
    const { api } = await start();
    await using _api = api;
    const answer = await api.call("GET", path, { headers });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(reason)]);
  });

  test("readers give way to callers where the door is full", async () => {
    const { api } = await start({ limits: { connectionShare: 4 } });
    await using _api = api;
    const readers = Array.from({ length: 4 }, () => follow(api.port, "/events"));
    await Promise.all(readers.map(({ seen }) => seen("retry:")));
    expect(await api.call("GET", "/decisions")).toMatchObject({ status: 200 });
    await expect.poll(() => readers.filter(({ state }) => state.isOver).length).toBe(1);
    for (const reader of readers) reader.leave();
  });

  test("ends with the API", async () => {
    const { api } = await start();
    const stream = follow(api.port, "/events");
    await stream.seen("retry:");
    await api.listener.close(60_000);
    await expect.poll(() => stream.state.isOver).toBe(true);
  });
});
