import { expect, test } from "vitest";
import { createDecisionRing } from "../../src/decisions/decision-ring.ts";
import { DENY_ALL } from "../../src/policy/policy.ts";
import { startApi } from "./api-server.ts";

const explain = () => Promise.reject(new Error("nothing is asked"));
const suggest = async () => ({ policy: DENY_ALL, leftOut: [], seen: { names: 0, addresses: 0, cut: 0 } });
const decisions = { ring: createDecisionRing(64), run: "run1", upstreams: [] };

test.each([
  ["PATCH", "/policy?=true"],
  ["DELETE", "/policy?dryRun=true&=x"],
  ["PUT", "/audit?=true"],
  ["GET", "/policy/suggest?=true"],
  ["GET", "/explain?target=a.example&="],
  ["GET", "/decisions?=1"],
  ["GET", "/events?="],
])("a parameter without a name is unknown to %s %s", async (method, path) => {
  await using api = await startApi({ explain, suggest, decisions });
  const body = method === "GET" ? {} : { body: "{}" };
  const answer = await api.call(method, path, body);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('"": ')]);
});
