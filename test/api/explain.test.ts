import { describe, expect, test } from "vitest";
import { createDecisionRing } from "../../src/decisions/decision-ring.ts";
import type { ExplainRequest } from "../../src/enforcement/explain/explain.ts";
import type { ExplainedAddress } from "../../src/enforcement/explain/explain-address.ts";
import { lookupOf } from "../support/decisions.ts";
import { until } from "../support/until.ts";
import { startApi } from "./api-server.ts";

const decisionsOf = (ring = createDecisionRing(64)) => ({ ring, run: "run", upstreams: [] });

const ALLOWED = { action: "allow", layer: "default", rule: undefined } as const;
const ADDRESS_FOUND: ExplainedAddress = {
  address: "192.0.2.7",
  names: [],
  openers: [],
  isNameJudged: false,
  isQuicRefused: false,
  decision: ALLOWED,
  matches: [],
  kernel: { passes: true, by: "default", decision: ALLOWED },
  flows: { answered: 0, unanswered: 0 },
  farEnd: "refuses",
  isTried: true,
};

/** An API that remembers what it was asked to explain. */
async function start(options: Parameters<typeof startApi>[0] = {}) {
  const asked: ExplainRequest[] = [];
  const explain = async (request: ExplainRequest) => {
    asked.push(request);
    const decision = { action: "deny", layer: "default", rule: undefined } as const;
    const name = request.target.kind === "name" ? request.target.name : undefined;
    return {
      isAudit: false,
      isStrict: false,
      name: name && { name, decision, matches: [], answer: "nxdomain" as const, isAudited: false },
      addresses: [],
    };
  };
  const api = await startApi({ decisions: decisionsOf(), explain, ...options });
  return { api, asked, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

describe("GET /explain", () => {
  test.each([
    ["", "target: is missing"],
    ["?target=", "target: is blank"],
    ["?target=*.example.org", "is a wildcard: give one name below it"],
    ["?target=192.0.2.0/24", "is a prefix: give one address in it"],
    ["?target=a&target=b", "target: must be given once"],
    ["?target=a.example&port=0", "port: must be a whole number from 1 to 65535"],
    ["?target=a.example&port=65536", "port: must be"],
    ["?target=a.example&port=443&port=80", "port: must be given once"],
    ["?target=a.example&port=http", "port: must be"],
    ["?target=a.example&protocol=sctp", "is none of tcp, udp, icmp"],
    ["?target=a.example&protocol=icmp&port=7", "port: icmp has none"],
    ["?target=a.example&port=80&try=yes", "try: must be true or false"],
    ["?target=a.example&port=80&try=true&try=true", "try: must be given once"],
    ["?target=a.example&try=true", "try: needs a port, and tcp"],
    ["?target=a.example&port=80&protocol=udp&try=true", "try: needs a port, and tcp"],
    ["?target=a.example&port=22&app=smtp", "is none of tls, http, ssh, postgres"],
    ["?target=a.example&port=22&app=any", "is none of tls, http, ssh, postgres"],
    ["?target=a.example&app=ssh", "app: is what a connection speaks: give its port"],
    ["?target=a.example&port=22&protocol=udp&app=ssh", "give its port, and tcp or no protocol"],
    ["?target=a.example&port=22&app=ssh&app=tls", "app: must be given once"],
    ["?target=a.example&prot=udp", "this call has no such parameter"],
  ])("%s is 400", async (query, message) => {
    await using started = await start();
    const answer = await started.api.call("GET", `/explain${query}`);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(message)]);
    expect(started.asked).toEqual([]);
  });

  test("reads a target in any spelling, a port and a protocol", async () => {
    await using started = await start();
    const answer = await started.api.call("GET", "/explain?target=WWW.Example.ORG.&port=443&protocol=udp");
    expect(JSON.parse(answer.text)).toMatchObject({
      target: "www.example.org",
      port: 443,
      protocol: "udp",
      reachable: false,
      because: "no rule allows www.example.org",
      patch: { allow: [{ action: "allow", target: "www.example.org" }], deny: [] },
    });
    expect(started.asked).toMatchObject([{ port: 443, protocol: "udp", isTried: false, addresses: [] }]);
  });

  test("tries connections for four calls at once, and tells others to come again", async () => {
    const held = Promise.withResolvers<void>();
    const begun: ExplainRequest[] = [];
    await using started = await start({
      async explain(request) {
        begun.push(request);
        if (request.isTried) await held.promise;
        return { isAudit: false, isStrict: false, name: undefined, addresses: [ADDRESS_FOUND] };
      },
    });
    const ask = (query: string) => started.api.call("GET", `/explain?target=192.0.2.7&port=80${query}`);
    const four = Array.from({ length: 4 }, () => ask("&try=true"));
    await until("four are under way", () => begun.length === 4);
    expect(await ask("&try=true")).toMatchObject({
      status: 503,
      text: expect.stringContaining("without try"),
    });
    expect(await ask("")).toMatchObject({ status: 200 });
    held.resolve();
    expect((await Promise.all(four)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const after = await ask("&try=true");
    expect(JSON.parse(after.text)).toMatchObject({
      reachable: false,
      because: "192.0.2.7: allowed by the default action; the far end refuses it",
      addresses: [{ farEnd: "refuses", tried: true }],
    });
  });

  test("shows the last lookup of each type, and has their addresses explained", async () => {
    const decisions = decisionsOf();
    const name = "www.example.org";
    decisions.ring.record(lookupOf(name, { decision: "failed", reason: "upstream" }));
    decisions.ring.record(lookupOf(name, { addresses: ["198.51.100.1"] }));
    decisions.ring.record(lookupOf("other.example.org"));
    decisions.ring.record(lookupOf(name, { qtype: 28, decision: "nodata" }));
    await using started = await start({ decisions });
    const answer = await started.api.call("GET", `/explain?target=${name}`);
    expect(JSON.parse(answer.text).lookups).toMatchObject([
      { type: "AAAA", decision: "nodata" },
      { type: "A", decision: "allowed", addresses: ["198.51.100.1"] },
    ]);
    expect(started.asked[0]?.addresses).toEqual([Uint8Array.of(198, 51, 100, 1)]);
  });

  test("asks for the token, and only reads", async () => {
    await using started = await start({ auth: { token: "secret", allowLocalWrites: false } });
    expect((await started.api.call("GET", "/explain?target=a.example")).status).toBe(401);
    const headers = { "OPENSANDBOX-EGRESS-AUTH": "secret" };
    expect((await started.api.call("POST", "/explain?target=a.example", { headers })).status).toBe(405);
  });
});
