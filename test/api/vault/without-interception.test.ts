import { describe, expect, test } from "vitest";
import { startApi } from "../api-server.ts";

describe("/credential-vault", () => {
  const token = "s3cret";
  const LACKING = "credential vault requires transparent mitmproxy";
  const NONE = "credential vault not found";
  const ALL = "GET, POST, PATCH, DELETE";
  test.each([
    ["GET", "", 404, NONE, undefined],
    ["POST", "", 412, LACKING, undefined],
    ["PATCH", "", 412, LACKING, undefined],
    ["DELETE", "", 412, LACKING, undefined],
    ["PUT", "", 405, "method not allowed", ALL],
    ["HEAD", "", 405, "", ALL],
    ["GET", "/credentials", 404, NONE, undefined],
    ["GET", "/bindings/a%20b%2Fc", 404, NONE, undefined],
    ["POST", "/credentials", 405, "method not allowed", "GET"],
    ["PATCH", "/bindings/x", 405, "method not allowed", "GET"],
    ["GET", "/nosuch", 404, "not found", undefined],
    ["POST", "/bindings/x/y", 404, "not found", undefined],
    ["GET", "/", 404, "not found", undefined],
  ] as const)("%s %s is %i %s", async (method, below, status, text, allow) => {
    await using api = await startApi({ auth: { token, allowLocalWrites: false } });
    const headers = { "OPENSANDBOX-EGRESS-AUTH": token };
    const answer = await api.call(method, `/credential-vault${below}`, { headers });
    expect(answer).toMatchObject({ status, text });
    expect(answer.headers.allow).toBe(allow);
    expect((await api.call(method, `/credential-vault${below}`)).status).toBe(401);
  });

  test("keeps the active secrets from everyone over TCP, before a token is looked at", async () => {
    await using api = await startApi({ auth: { token, allowLocalWrites: false } });
    for (const sent of ["x", token]) {
      const headers = { "OPENSANDBOX-EGRESS-AUTH": sent };
      const path = "/credential-vault/_active";
      expect(await api.call("GET", path, { headers })).toMatchObject({ status: 403, text: "forbidden" });
      const other = await api.call("POST", path, { headers });
      expect(other).toMatchObject({ status: 405, text: "method not allowed", headers: { allow: "GET" } });
    }
  });

  test("asks for a token to be set before anything can be written", async () => {
    await using api = await startApi();
    expect(await api.call("DELETE", "/credential-vault")).toMatchObject({
      status: 412,
      text: "credential vault requires egress API auth token",
    });
  });
});
