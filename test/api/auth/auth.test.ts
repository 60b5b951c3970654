import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startApi } from "../api-server.ts";

const TOKEN = "s3cret";

describe("with a token", () => {
  const auth = { token: TOKEN, allowLocalWrites: false };

  test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])(
    "%s without it, or with a wrong one, is 401 and nothing more",
    async (method) => {
      await using api = await startApi({ auth });
      for (const sent of [undefined, "", "S3CRET", "s3cret2", "s3cre", `${TOKEN},${TOKEN}`]) {
        const headers = sent === undefined ? {} : { "OPENSANDBOX-EGRESS-AUTH": sent };
        const answer = await api.call(method, "/policy", { headers });
        expect(answer.status).toBe(401);
        expect(answer.text).toMatch(
          method === "HEAD" ? /^$/ : /^unauthorized: send the token as OPENSANDBOX-EGRESS-AUTH/,
        );
        expect(answer.headers["www-authenticate"]).toBe("Bearer");
        expect(answer.headers.etag).toBeUndefined();
      }
      expect(api.world.steps).toEqual([]);
    },
  );

  test("is let in with it, from a local address too", async () => {
    await using api = await startApi({ auth });
    const headers = { "opensandbox-egress-auth": TOKEN };
    expect((await api.call("GET", "/policy", { headers })).status).toBe(200);
    expect((await api.call("POST", "/policy", { headers, body: "{}" })).status).toBe(200);
    expect((await api.call("HEAD", "/policy", { headers })).status).toBe(405);
  });

  test("is let in by it as a bearer token, and by ours where both are sent", async () => {
    await using api = await startApi({ auth });
    const get = async (headers: Record<string, string>) =>
      (await api.call("GET", "/policy", { headers })).status;
    for (const sent of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])
      expect(await get({ Authorization: sent })).toBe(200);
    for (const sent of [
      TOKEN,
      `Basic ${TOKEN}`,
      "Bearer",
      "Bearer x",
      `Bearer ${TOKEN}x`,
      `Bearer${TOKEN}`,
    ]) {
      expect(await get({ Authorization: sent })).toBe(401);
    }
    expect(await get({ Authorization: "Bearer x", "OPENSANDBOX-EGRESS-AUTH": TOKEN })).toBe(200);
    expect(await get({ Authorization: `Bearer ${TOKEN}`, "OPENSANDBOX-EGRESS-AUTH": "x" })).toBe(401);
  });

  test("the token may hold any character that a header carries", async () => {
    const token = "pässwörd ✓";
    await using api = await startApi({ auth: { token, allowLocalWrites: false } });
    const headers = { "OPENSANDBOX-EGRESS-AUTH": Buffer.from(token).toString("latin1") };
    expect((await api.call("GET", "/policy", { headers })).status).toBe(200);
  });
});

describe("without a token", () => {
  const auth = { token: undefined, allowLocalWrites: false };

  test("a local caller may read but not write, and is told the remedies", async () => {
    await using api = await startApi({ auth });
    expect((await api.call("GET", "/policy")).status).toBe(200);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await api.call(method, "/policy", { body: "{}" });
      expect(answer.status).toBe(403);
      expect(answer.text).toMatch(
        /OPENSANDBOX_EGRESS_TOKEN.*unix socket.*OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES=true/,
      );
    }
    expect(api.world.steps).toEqual([]);
  });

  test("a caller from outside may write, whatever its address looks like", async () => {
    await using api = await startApi({ auth, door: "outside" });
    expect((await api.call("POST", "/policy", { body: "{}" })).status).toBe(200);
  });

  test("a local caller may write where the setting says so", async () => {
    await using api = await startApi({ auth: { token: undefined, allowLocalWrites: true } });
    expect((await api.call("POST", "/policy", { body: "{}" })).status).toBe(200);
  });
});

describe("the unix socket", () => {
  test.each([TOKEN, undefined])("asks for no token and takes writes (token: %s)", async (token) => {
    const folder = await mkdtemp(join(tmpdir(), "egress-"));
    const socketPath = join(folder, "run", "egress.sock");
    {
      await using api = await startApi({ auth: { token, allowLocalWrites: false }, socketPath });
      expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
      expect((await api.call("POST", "/policy", { body: "{}" })).status).toBe(200);
      expect((await api.call("GET", "/policy")).status).toBe(200);
    }
    await rm(folder, { recursive: true });
  });
});
