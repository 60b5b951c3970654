import { describe, expect, test } from "vitest";
import { startApi } from "./api-server.ts";

describe("what a change does not know", () => {
  test.each([
    "dryrun=true",
    "dry_run=true",
    "dryRun=true&dryRun=true",
    "dryRun=true&x=1",
    "dryRun=",
    "x",
    "=true",
    "dryRun=true&=",
  ])("?%s is 400, whatever the method, and changes nothing", async (query) => {
    await using api = await startApi();
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await api.call(method, `/policy?${query}`, { body: '[{"target":"a.example"}]' });
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(/dryRun/);
    }
    expect(api.world.steps).toEqual([]);
  });

  test.each(["POST", "PUT", "PATCH"])(
    "%s names a key that says nothing, behind what is promised",
    async (method) => {
      await using api = await startApi();
      const rules = [{ action: "allow", target: "a.example", comment: "ours" }];
      const body = JSON.stringify(method === "PATCH" ? rules : { egress: rules });
      const path = method === "PATCH" ? "[0].comment" : "egress[0].comment";
      const warnings = [{ path, message: "a rule has no such key, and nothing reads it" }];
      for (const query of ["?dryRun=true", ""]) {
        const { status, text } = await api.call(method, `/policy${query}`, { body });
        expect(status).toBe(200);
        expect(text).toMatch(/^\{"status":"ok","mode":"enforcing","enforcementMode":"dns\+nft".*"warnings":/);
        expect(JSON.parse(text)).toMatchObject({ warnings });
      }
    },
  );

  test.each([
    [
      "PATCH",
      [{ action: "allow", target: "a.example", methods: ["GET"] }],
      "invalid patch rules: [0].methods: a rule has no such key: write http, such as",
    ],
    [
      "PUT",
      { egress: [{ target: "a.example", port: 25 }] },
      "invalid policy: egress[0].port: a rule has no such key: write ports",
    ],
    [
      "PUT",
      { rules: [{ action: "allow", target: "a.example" }] },
      "invalid policy: rules: a policy has no such key: write egress",
    ],
    ["POST", { default: "allow" }, "invalid policy: default: a policy has no such key: write defaultAction"],
  ] as const)("%s %j is 400 and changes nothing", async (method, body, text) => {
    await using api = await startApi();
    const answer = await api.call(method, "/policy", { body: JSON.stringify(body) });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(text);
    expect(api.world.steps).toEqual([]);
  });
});
