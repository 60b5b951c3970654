/** Suggestions where rules are for methods and paths. */
import { expect, test } from "vitest";
import { compileSteps, type CompiledPolicy } from "../../src/policy/compile.ts";
import { ALL_READ, type IsRead, NONE_READ } from "../../src/policy/http-flows.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { renderRule } from "../../src/policy/rule.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { suggestSteps } from "../../src/policy/suggest.ts";
import { policyOf, qname } from "../support/policy.ts";

const HOST = "api.example.org";
const DENY_ADMIN = { action: "deny", target: HOST, http: { paths: ["/admin/*"] } };
const DENY_DELETE = { action: "deny", target: HOST, http: { methods: ["DELETE"] } };
const ALLOW_READS = { action: "allow", target: HOST, http: { methods: ["GET"] } };
const PLAIN = { action: "allow", target: HOST };
const OTHER = { action: "allow", target: "other.example.org" };

test.each<[string, IsRead, readonly object[], readonly object[]]>([
  ["a denial of paths stays ahead of what it is about", ALL_READ, [DENY_ADMIN, PLAIN], [DENY_ADMIN, PLAIN]],
  ["a denial of methods stays", ALL_READ, [DENY_DELETE, ALLOW_READS], [DENY_DELETE, ALLOW_READS]],
  [
    "methods that are allowed are not widened while nothing reads them",
    NONE_READ,
    [ALLOW_READS],
    [ALLOW_READS],
  ],
  ["another name is added behind them", ALL_READ, [ALLOW_READS], [ALLOW_READS, OTHER]],
])("%s", (_what, isRead, given, suggested) => {
  const policy: Policy = policyOf({ egress: given });
  const layers = { denyAlways: [], allowAlways: [], user: policy };
  const compiled: CompiledPolicy = runToEnd(compileSteps(layers, isRead));
  const names = suggested.includes(OTHER) ? [HOST, "other.example.org"] : [HOST];
  const seen = { names: names.map(qname), addresses: [], flowsOf: () => [], isPartly: () => false };
  const options = { policy, compiled, wildcards: false, ports: false };
  const { egress } = runToEnd(suggestSteps(seen, options)).policy;
  expect(egress.map(renderRule)).toEqual(suggested);
});
