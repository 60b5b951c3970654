import { createHash, createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createSeenNonces } from "../../src/api/auth/seen-nonces.ts";
import { type ApiServer, startApi } from "./api-server.ts";

const TOKEN = "s3cret";
const BODY = '[{"action":"allow","target":"a.example"}]';
const auth = { token: TOKEN, allowLocalWrites: false };

interface Signed {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly timeMs: number;
  readonly nonce?: string;
  readonly token?: string;
  readonly ifMatch?: string;
}

/** The header, put together here as the API's text says, independently of the program. */
function sign({
  method = "PATCH",
  path = "/policy",
  body = BODY,
  timeMs,
  nonce = "n1",
  token,
  ifMatch,
}: Signed): string {
  const hash = createHash("sha256").update(body).digest("hex");
  const mac = createHmac("sha256", token ?? TOKEN).update(`${method}\n${path}\n${timeMs}\n${nonce}\n${hash}`);
  if (ifMatch !== undefined) mac.update(`\n${ifMatch}`);
  return `t=${timeMs},n=${nonce},v1=${mac.digest("hex")}`;
}

async function patch(api: ApiServer, signature: string, path = "/policy", body = BODY) {
  return api.call("PATCH", path, { body, headers: { "OPENSANDBOX-EGRESS-SIGNATURE": signature } });
}

const START_MS = 1_800_000_000_000;

describe("a signed change", () => {
  test("is let in without the token, once", async () => {
    let nowMs = START_MS;
    await using api = await startApi({ auth, nowMs: () => nowMs });
    nowMs += 1;
    const signature = sign({ timeMs: nowMs });
    expect((await patch(api, signature)).status).toBe(200);
    const again = await patch(api, signature);
    expect(again).toMatchObject({ status: 401, text: expect.stringMatching(/^unauthorized: .*used before/) });
    expect(again.headers.etag).toBeUndefined();
    expect(api.world.steps).toEqual(["stage", "enforce", "commit"]);
    expect((await patch(api, sign({ timeMs: nowMs, nonce: "n2" }))).status).toBe(200);
  });

  test("is let in under its condition alone: nobody on the way takes If-Match away, alters it or puts one in", async () => {
    await using api = await startApi({ auth, nowMs: () => START_MS });
    const call = async (nonce: string, signed: string | undefined, sent: string | undefined) => {
      const condition = signed === undefined ? {} : { ifMatch: signed };
      const headers = {
        "OPENSANDBOX-EGRESS-SIGNATURE": sign({ timeMs: START_MS, nonce, ...condition }),
        ...(sent === undefined ? {} : { "If-Match": sent }),
      };
      return (await api.call("PATCH", "/policy", { body: BODY, headers })).status;
    };
    expect(await call("n1", '"seen"', undefined)).toBe(401);
    expect(await call("n2", '"seen"', "*")).toBe(401);
    expect(await call("n3", undefined, "*")).toBe(401);
    expect(api.world.steps).toEqual([]);
    expect(await call("n4", '"seen"', '"seen"')).toBe(412);
    expect(await call("n5", '"a", "b"', ' "a", "b" ')).toBe(412);
    expect(await call("n6", "*", "*")).toBe(200);
  });

  test("is let in for its query too", async () => {
    await using api = await startApi({ auth, nowMs: () => START_MS });
    const path = "/policy?dryRun=true";
    expect((await patch(api, sign({ timeMs: START_MS, path }), path)).status).toBe(200);
    expect((await patch(api, sign({ timeMs: START_MS, path, nonce: "n2" }))).status).toBe(401);
  });

  test.each([
    ["another token", { token: "other" }],
    ["another method", { method: "POST" }],
    ["another path", { path: "/policy?dryRun=true" }],
    ["another body", { body: "[]" }],
  ])("for %s is 401 and changes nothing", async (_what, differs) => {
    await using api = await startApi({ auth, nowMs: () => START_MS });
    const answer = await patch(api, sign({ timeMs: START_MS, ...differs }));
    expect(answer).toMatchObject({ status: 401, text: "unauthorized: the signature is not this call's" });
    expect(api.world.steps).toEqual([]);
    // A forged call does not use up the nonce of an honest one.
    expect((await patch(api, sign({ timeMs: START_MS }))).status).toBe(200);
  });

  test.each([
    [-60_000, 200],
    [-60_001, 401],
    [5000, 200],
    [5001, 401],
    [60_000, 401],
  ])("signed %i ms away from our clock is %i", async (awayMs, status) => {
    let nowMs = START_MS;
    await using api = await startApi({ auth, nowMs: () => nowMs });
    nowMs += 1_000_000;
    expect((await patch(api, sign({ timeMs: nowMs + awayMs }))).status).toBe(status);
  });

  test("by a clock that is ahead keeps those in step out for 5 s at most, and its signer is told", async () => {
    let nowMs = START_MS;
    await using api = await startApi({ auth, nowMs: () => nowMs });
    const ahead = (ms: number) => patch(api, sign({ timeMs: nowMs + ms, nonce: `ahead-${ms}` }));
    expect(await ahead(30_000)).toMatchObject({
      status: 401,
      text: expect.stringMatching(/^unauthorized: the signature's time is 30 s ahead of ours/),
    });
    expect((await patch(api, sign({ timeMs: nowMs }))).status).toBe(200);
    expect((await ahead(5000)).status).toBe(200);
    expect((await patch(api, sign({ timeMs: nowMs, nonce: "n2" }))).status).toBe(401);
    nowMs += 5000;
    expect((await patch(api, sign({ timeMs: nowMs, nonce: "n3" }))).status).toBe(200);
  });

  test("signed before the start is 401, since the process before us may have taken it", async () => {
    await using api = await startApi({ auth, nowMs: () => START_MS });
    expect(await patch(api, sign({ timeMs: START_MS - 1 }))).toMatchObject({
      status: 401,
      text: expect.stringContaining("before the sidecar started"),
    });
  });

  test.each(["", "x", "t=1,n=a,v1=00", `t=1,n=,v1=${"0".repeat(64)}`, `v1=${"0".repeat(64)},t=1,n=a`])(
    "with %j for a signature is 401, also with the right token",
    async (signature) => {
      await using api = await startApi({ auth });
      const headers = { "OPENSANDBOX-EGRESS-SIGNATURE": signature, "OPENSANDBOX-EGRESS-AUTH": TOKEN };
      const answer = await api.call("PATCH", "/policy", { body: BODY, headers });
      expect(answer).toMatchObject({
        status: 401,
        text: expect.stringContaining("t=UNIX_MS,n=NONCE,v1=HEX"),
      });
    },
  );
});

test("a signed read is let in, and no method but by its own signature", async () => {
  await using api = await startApi({ auth, nowMs: () => START_MS });
  const headers = {
    "OPENSANDBOX-EGRESS-SIGNATURE": sign({ timeMs: START_MS, method: "GET", body: "" }),
  };
  expect((await api.call("GET", "/policy", { headers })).status).toBe(200);
  expect((await api.call("GET", "/policy", { headers })).status).toBe(401);
  expect((await api.call("GET", "/credential-vault", { headers })).status).toBe(401);
});

test.each([
  ["GET", "/policy"],
  ["OPTIONS", "/policy"],
  ["GET", "/metrics"],
  ["GET", "/credential-vault"],
])("a forged signature does not open %s %s", async (method, path) => {
  await using api = await startApi({ auth, nowMs: () => START_MS, renderMetrics: async () => "figures" });
  const headers = {
    "OPENSANDBOX-EGRESS-SIGNATURE": sign({ timeMs: START_MS, method, path, body: "", token: "other" }),
  };
  const answer = await api.call(method, path, { headers });
  expect(answer).toMatchObject({ status: 401, text: "unauthorized: the signature is not this call's" });
});

test.each([
  ["/policy?dryRun=maybe", "[]"],
  ["/policy", "\u{1F600}".repeat(300_000)],
])("a forged signature on a change of %s is not told what holds", async (path, body) => {
  await using api = await startApi({ auth, nowMs: () => START_MS });
  const answer = await patch(api, sign({ timeMs: START_MS, token: "other" }), path, body);
  expect([400, 413]).toContain(answer.status);
  expect(answer.headers.etag).toBeUndefined();
});

describe("where changes have to be signed", () => {
  test("the token reads, and an unsigned change is 401 that says so", async () => {
    await using api = await startApi({ auth: { ...auth, signedWrites: true }, nowMs: () => START_MS });
    const headers = { "OPENSANDBOX-EGRESS-AUTH": TOKEN };
    expect((await api.call("GET", "/policy", { headers })).status).toBe(200);
    expect(await api.call("PATCH", "/policy", { headers, body: BODY })).toMatchObject({
      status: 401,
      text: expect.stringMatching(/^unauthorized: .*OPENSANDBOX_EGRESS_SIGNED_WRITES.*has to be signed/),
    });
    expect((await patch(api, sign({ timeMs: START_MS }))).status).toBe(200);
  });

  test("the unix socket needs no signature", async () => {
    const folder = await mkdtemp(join(tmpdir(), "egress-"));
    {
      const socketPath = join(folder, "egress.sock");
      await using api = await startApi({ auth: { ...auth, signedWrites: true }, socketPath });
      expect((await api.call("PATCH", "/policy", { body: BODY })).status).toBe(200);
    }
    await rm(folder, { recursive: true });
  });
});

test("nonces are remembered until their call is too old, and no more than fit", () => {
  const nonces = createSeenNonces(2);
  expect(nonces.take("a", 0, 0)).toBe(true);
  expect(nonces.take("a", 0, 60_000)).toBe(false);
  expect(nonces.take("a", 60_001, 60_001)).toBe(true);
  expect(nonces.take("b", 60_001, 60_001)).toBe(true);
  expect(nonces.take("c", 60_001, 60_001)).toBe(false);
  expect(nonces.take("c", 120_002, 120_002)).toBe(true);
});
