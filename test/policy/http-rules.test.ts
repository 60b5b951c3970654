/** Rules with `http`: how they are read, shown and merged, and which of them decides a request. */
import { describe, expect, test } from "vitest";
import { compileSteps } from "../../src/policy/compile.ts";
import { decideName, decideNameFlow } from "../../src/policy/decide-name.ts";
import { createRequestJudges } from "../../src/policy/decide-request.ts";
import { ALL_READ, type IsRead, NONE_READ } from "../../src/policy/http-flows.ts";
import type { PolicyLayers } from "../../src/policy/layers.ts";
import { parsePolicyJson, parseRulesJson, parseTargetsJson } from "../../src/policy/parse-policy.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { describeRule, renderRule, type Rule, ruleKey } from "../../src/policy/rule.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import {
  mergeRules,
  qname,
  removeTargets,
  rulesOf as readRules,
  targets,
  valueOf,
} from "../support/policy.ts";

const HOST = "api.example.org";

const rulesOf = (...given: readonly object[]): readonly Rule[] => readRules(given);
interface Sent {
  readonly methods?: readonly string[] | null;
  readonly paths?: readonly string[];
}
const allow = (http: object, rest: object = {}): object => ({ action: "allow", target: HOST, http, ...rest });
const deny = (http: object, rest: object = {}): object => ({ action: "deny", target: HOST, http, ...rest });

describe("reading", () => {
  test.each<[Sent, string]>([
    [{ methods: ["get", "HEAD", "GET"] }, `${HOST} http GET,HEAD`],
    [{ paths: ["/repos/*", "/user"] }, `${HOST} http /repos/*,/user`],
    [{ methods: ["GET"], paths: ["/"] }, `${HOST} http GET /`],
    [{ paths: ["/caf%c3%a9", "/café"] }, `${HOST} http /caf%C3%A9`],
    [{ paths: ["/a%2Ab*", "/%7Euser"] }, `${HOST} http /a%2Ab*,/~user`],
    [{ methods: null, paths: ["/a"] }, `${HOST} http /a`],
  ])("%j has one canonical form, and is shown as it was sent", (http, described) => {
    const [rule] = rulesOf(allow(http));
    expect(rule && describeRule(rule)).toBe(described);
    const { methods, paths } = http;
    expect(rule && renderRule(rule)).toEqual(
      allow({ ...(methods ? { methods } : {}), ...(paths ? { paths } : {}) }),
    );
  });

  test.each<[object, string, RegExp]>([
    [allow({}), "[0].http", /says nothing/],
    [allow({ methods: [] }), "[0].http.methods", /is empty/],
    [allow({ methods: ["G T"] }), "[0].http.methods[0]", /is no method/],
    [allow({ methods: ["*"] }), "[0].http.methods[0]", /leave methods out/],
    [allow({ methods: ["CONNECT"] }), "[0].http.methods[0]", /never passes/],
    [allow({ methods: "GET" }), "[0].http.methods", /must be an array/],
    [allow({ methods: [7] }), "[0].http.methods[0]", /must be a string/],
    [allow({ methods: Array.from({ length: 33 }, () => "GET") }), "[0].http.methods", /32 at most/],
    [allow({ paths: Array.from({ length: 65 }, () => "/") }), "[0].http.paths", /64 at most/],
    [allow({ paths: ["repos"] }), "[0].http.paths[0]", /must begin with \//],
    [allow({ paths: ["/a/*/b"] }), "[0].http.paths[0]", /not at its end/],
    [allow({ paths: ["/a?b=c"] }), "[0].http.paths[0]", /no part of a path/],
    [allow({ paths: ["/a#b"] }), "[0].http.paths[0]", /no part of a path/],
    [allow({ paths: ["/a b"] }), "[0].http.paths[0]", /percent-encoding/],
    [allow({ paths: ["/a\u0000"] }), "[0].http.paths[0]", /percent-encoding/],
    [allow({ paths: ["/%zz"] }), "[0].http.paths[0]", /encodes nothing/],
    [allow({ paths: ["/a/../b"] }), "[0].http.paths[0]", /dot segment/],
    [allow({ paths: ["/a/%2e%2E/b"] }), "[0].http.paths[0]", /dot segment/],
    [allow({ paths: ["/a//b"] }), "[0].http.paths[0]", /two ways/],
    [allow({ paths: ["/a%2Fb"] }), "[0].http.paths[0]", /two ways/],
    [allow({ paths: ["/a;b"] }), "[0].http.paths[0]", /two ways/],
    [allow({ paths: ["/a\\b"] }), "[0].http.paths[0]", /two ways/],
    [allow({ paths: ["/a%252e"] }), "[0].http.paths[0]", /two ways/],
    [allow({ paths: [`/${"a".repeat(1024)}`] }), "[0].http.paths[0]", /1024/],
    [allow({ methods: ["GET"], headers: {} }), "[0].http.headers", /is not served/],
    [allow({ methods: ["GET"], path: ["/"] }), "[0].http.path", /write paths/],
    [allow({ methods: ["GET"] }, { ports: [8443] }), "[0].ports", /443 and 80 alone/],
    [allow({ methods: ["GET"] }, { ports: ["80-443"] }), "[0].ports", /443 and 80 alone/],
    [allow({ methods: ["GET"] }, { protocol: "udp" }), "[0].protocol", /over tcp/],
    [{ action: "allow", target: "192.0.2.7", http: { methods: ["GET"] } }, "[0].http", /needs a name/],
    [{ action: "allow", http: { methods: ["GET"] } }, "[0].http", /needs a name/],
    [{ action: "allow", target: HOST, http: [] }, "[0].http", /must be an object/],
    [{ action: "allow", target: HOST, methods: ["GET"] }, "[0].methods", /write http/],
  ])("%j is refused, with its place", (rule, path, message) => {
    const read = parseRulesJson(JSON.stringify([rule]));
    expect(read.ok ? read.value : read.problems).toContainEqual({
      path,
      message: expect.stringMatching(message),
    });
  });

  test("in a policy, the place has its list's name", () => {
    const read = parsePolicyJson(JSON.stringify({ egress: [allow({ paths: ["x"] })] }));
    expect(!read.ok && read.problems[0]?.path).toBe("egress[0].http.paths[0]");
  });
});

describe("merging", () => {
  const old: Policy = {
    defaultAction: "deny",
    egress: rulesOf(allow({ methods: ["GET"] }), allow({ methods: ["POST"] }), {
      action: "allow",
      target: HOST,
    }),
  };

  test("a rule takes the place of the one with the same requests, whatever its action", () => {
    const merged = mergeRules(old, rulesOf(deny({ methods: ["get"] })));
    expect(merged.egress.map((rule) => `${rule.action} ${ruleKey(rule)}`)).toEqual([
      `deny ${HOST} http GET`,
      `allow ${HOST} http POST`,
      `allow ${HOST}`,
    ]);
  });

  test("a rule without http takes the place of all of its target", () => {
    expect(mergeRules(old, rulesOf({ action: "deny", target: HOST })).egress.map(ruleKey)).toEqual([HOST]);
  });

  test("DELETE takes out the one rule that is named with its requests", () => {
    const removals = valueOf(
      parseTargetsJson(JSON.stringify([{ target: HOST, http: { methods: ["POST"] } }])),
    );
    if (removals === "blank") throw new Error("blank");
    expect(removeTargets(old, removals).egress.map(ruleKey)).toEqual([`${HOST} http GET`, HOST]);
  });
});

/** The action for each request, `METHOD path`, and the rule. */
function decide(layers: PolicyLayers, request: string, port = 443): string {
  const [method = "", path = ""] = request.split(" ");
  const judge = createRequestJudges(layers).find(qname(HOST), port);
  if (judge === undefined) return "not judged";
  const { action, layer, rule } = judge.decide({ method, path });
  return `${action} ${rule === undefined ? layer : describeRule(rule).replace(`${HOST} `, "")}`;
}
function layersOf(...given: readonly object[]): PolicyLayers {
  return { denyAlways: [], allowAlways: [], user: { defaultAction: "deny", egress: rulesOf(...given) } };
}

describe("deciding requests", () => {
  test.each([
    ["GET /repos/a/b", "allow http GET /repos/*"],
    ["GET /repos/", "allow http GET /repos/*"],
    ["GET /repos", "deny default"],
    ["GET /%72epos/a", "allow http GET /repos/*"],
    ["GET /Repos/a", "deny default"],
    ["POST /repos/a", "deny default"],
    ["get /repos/a", "deny default"],
    ["OPTIONS *", "deny default"],
  ])("an allow means what is spelled so: %s is %s", (request, decided) => {
    expect(decide(layersOf(allow({ methods: ["GET"], paths: ["/repos/*"] })), request)).toBe(decided);
  });

  test.each([
    ["DELETE /admin/x", "deny http DELETE /admin/*"],
    ["delete /admin/x", "deny http DELETE /admin/*"],
    ["DELETE /ADMIN/x", "deny http DELETE /admin/*"],
    ["DELETE /%61dmin/x", "deny http DELETE /admin/*"],
    ["DELETE /admin", "deny http DELETE /admin/*"],
    ["DELETE /administrators", `allow ${HOST}`],
    ["GET /admin/x", `allow ${HOST}`],
  ])("a deny also means what a server may take for it: %s is %s", (request, decided) => {
    const layers = layersOf(deny({ methods: ["DELETE"], paths: ["/admin/*"] }), {
      action: "allow",
      target: HOST,
    });
    expect(decide(layers, request)).toBe(decided);
  });

  test("the first that matches decides, over name, port, protocol, method and path", () => {
    const layers = layersOf(
      deny({ paths: ["/private"] }, { ports: [443] }),
      allow({ methods: ["GET"] }, { target: "*.example.org" }),
      { action: "deny", target: HOST, ports: [443] },
      allow({ methods: ["POST"] }),
    );
    expect(decide(layers, "GET /private/")).toBe("deny tcp/443 http /private");
    expect(decide(layers, "GET /public")).toBe("allow *.example.org http GET");
    expect(decide(layers, "POST /public")).toBe("deny tcp/443");
    expect(decide(layers, "POST /public", 80)).toBe("not judged");
  });

  test("the operator's rules stand before them: then no request is judged", () => {
    const layers = layersOf(allow({ methods: ["GET"] }));
    expect(decide({ ...layers, allowAlways: targets("*.example.org") }, "POST /")).toBe("not judged");
    expect(decide({ ...layers, denyAlways: targets(HOST) }, "GET /")).toBe("not judged");
  });

  test("of a flood of names the last ones are remembered, and all are decided", () => {
    const judges = createRequestJudges(layersOf(allow({ methods: ["GET"] }, { target: "*.example.org" })));
    for (let index = 0; index < 3000; index += 1) {
      const name = qname(`n${index}.example.org`);
      expect(judges.find(name, 443)?.decide({ method: "PUT", path: "/" }).action).toBe("deny");
    }
  });
});

/** Actions of the name, and of its flows to TCP 443, TCP 80, UDP 443 and TCP 22. */
function flows(isRead: IsRead, ...given: readonly object[]): string {
  const policy = runToEnd(compileSteps(layersOf(...given), isRead));
  const host = qname(HOST);
  const asked = [
    ["tcp", 443],
    ["tcp", 80],
    ["udp", 443],
    ["tcp", 22],
  ] as const;
  const decided = asked.map(([protocol, port]) => decideNameFlow(policy, host, { protocol, port }).action);
  return [decideName(policy, host).action, ...decided].join(" ");
}
const plain = { action: "allow", target: HOST };

describe("what they are for flows", () => {
  test.each<[string, IsRead, readonly object[], string]>([
    ["an allow opens TLS", ALL_READ, [allow({ methods: ["GET"] })], "allow allow deny deny deny"],
    [
      "an allow for port 80",
      ALL_READ,
      [allow({ methods: ["GET"] }, { ports: [80] })],
      "allow deny allow deny deny",
    ],
    [
      "a deny leaves the flow as it is",
      ALL_READ,
      [deny({ methods: ["GET"] }), plain],
      "allow allow allow allow allow",
    ],
    [
      "an allow that nothing reads denies",
      NONE_READ,
      [allow({ methods: ["GET"] }), plain],
      "allow deny allow deny allow",
    ],
    [
      "a deny that nothing reads denies",
      NONE_READ,
      [deny({ methods: ["GET"] }), plain],
      "allow deny deny deny allow",
    ],
    [
      "a deny denies the port that is not read",
      (_target, port) => port === 443,
      [deny({ methods: ["GET"] }), plain],
      "allow allow deny allow allow",
    ],
    [
      "an earlier rule decides before it",
      NONE_READ,
      [plain, allow({ methods: ["GET"] })],
      "allow allow allow allow allow",
    ],
    [
      "a later rule of the same flows does not shut what it opens",
      ALL_READ,
      [allow({ methods: ["GET"] }), { action: "deny", target: HOST, ports: [443], protocol: "tcp" }],
      "allow allow deny deny deny",
    ],
  ])("%s", (_what, isRead, given, decided) => {
    expect(flows(isRead, ...given)).toBe(decided);
  });

  test("a policy without them says nothing of requests", () => {
    expect(runToEnd(compileSteps(layersOf(plain))).requests).toBeUndefined();
  });
});
