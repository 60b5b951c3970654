import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWeakening, findRefusedSettings, IN_RUN } from "../../../src/cli/run/run-settings.ts";
import { readEverySetting } from "../../../src/config.ts";
import type { Environment } from "../../../src/config/environment.ts";
import { VARIABLES } from "../../../src/config/variables.ts";
import type { Row } from "../../readme/markdown.ts";
import { tableAfter } from "../../readme/markdown.ts";

const PAGE = new URL("../../../docs/run.md", import.meta.url);

const of = (env: Environment): readonly string[] => {
  const { settings } = readEverySetting(env);
  return [
    ...findRefusedSettings(settings).map(({ path, message }) => `${path}|${message}`),
    ...describeWeakening(settings, env),
  ];
};

function rows(): readonly Row[] {
  const inRuns = new Map(Object.entries(IN_RUN));
  return Object.entries(VARIABLES).map(([key, { name }]) => {
    const inRun = inRuns.get(key);
    if (inRun === undefined || inRun === "as-set") return [`\`${name}\``, "holds as it is set"];
    if ("own" in inRun) return [`\`${name}\``, `the run sets it: ${inRun.own}`];
    return [`\`${name}\``, "told" in inRun ? inRun.told : inRun.refused];
  });
}

test("the table of docs/run.md is the code's, and every setting is in it", () => {
  expect(Object.keys(IN_RUN).toSorted()).toEqual(Object.keys(VARIABLES).toSorted());
  expect(tableAfter(readFileSync(PAGE, "utf8"), "\n## Settings of the caller\n")).toEqual(rows());
});

test("an environment without settings weakens nothing", () => {
  expect(of({ PATH: "/usr/bin" })).toEqual([]);
});

test.each([
  ["OPENSANDBOX_EGRESS_MODE", "dns", /^OPENSANDBOX_EGRESS_MODE\|is dns, by which .*: unset it/],
  ["OPENSANDBOX_EGRESS_NAMESERVER_EXEMPT", "192.0.2.1", /is set: lookups to 192\.0\.2\.1 pass without/],
  ["OPENSANDBOX_EGRESS_WIRE_NAMES", "off", /is set: connections are not judged by the names/],
  ["OPENSANDBOX_EGRESS_INBOUND_UDP", "true", /is set: UDP from outside may open a flow to the command$/],
  ["OPENSANDBOX_EGRESS_LEARNED_GRACE", "86400", /is set: an address stays open for 86400 seconds/],
  ["OPENSANDBOX_EGRESS_WILDCARD_NAMES_PER_MINUTE", "0", /is set: no bound for new names below/],
  ["OPENSANDBOX_EGRESS_WILDCARD_LOOKUPS_PER_MINUTE", "60000", /a bound of 60000 a minute for lookups/],
  ["OPENSANDBOX_EGRESS_RULES_DIR", "/srv/rules", /the rule files of \/srv\/rules go before the policy$/],
  ["OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA", "/srv/ca.pem", /against the roots in \/srv\/ca\.pem$/],
])("%s=%s is told or refused", (name, value, line) => {
  expect(of({ [name]: value })).toEqual([expect.stringMatching(line)]);
});

test.each([
  ["OPENSANDBOX_EGRESS_MODE", "dns+nft"],
  ["OPENSANDBOX_EGRESS_WIRE_NAMES", "strict"],
  ["OPENSANDBOX_EGRESS_PRIVATE_ANSWERS", "deny"],
  ["OPENSANDBOX_EGRESS_LEARNED_GRACE", "0"],
  ["OPENSANDBOX_EGRESS_WILDCARD_NAMES_PER_MINUTE", "1"],
  ["OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES", "true"],
])("%s=%s weakens nothing", (name, value) => {
  expect(of({ [name]: value })).toEqual([]);
});
