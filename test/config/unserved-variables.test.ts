import { describe, expect, test } from "vitest";
import { readEverySetting } from "../../src/config.ts";

describe("switches of the original that are not served", () => {
  test.each([
    ["OPENSANDBOX_EGRESS_PROFILE", "fast-sandbox"],
    ["OPENSANDBOX_EGRESS_PROFILE", "default"],
  ])("%s=%s is a problem, which does not show the value", (name, text) => {
    const { problems, warnings } = readEverySetting({ [name]: text });
    expect(problems).toEqual([{ path: name, message: expect.stringContaining("not served") }]);
    expect(problems[0]?.message).not.toContain(text.trim());
    expect(warnings).toEqual([]);
  });

  test.each([
    ["OPENSANDBOX_EGRESS_UPSTREAM_PROXY", " "],
    ["OPENSANDBOX_EGRESS_PROFILE", ""],
    ["OPENSANDBOX_EGRESS_NO_SUCH_THING", "  "],
  ])("%s=%j is off", (name, text) => {
    expect(readEverySetting({ [name]: text })).toMatchObject({ problems: [], warnings: [] });
  });
});

describe("variables of our prefix that nothing reads", () => {
  test.each([
    "OPENSANDBOX_EGRESS_NO_SUCH_THING",
    "OPENSANDBOX_EGRESS_REDIRECT_BACKEND",
    "OPENSANDBOX_EGRESS_MITMPROXY_SCRIPT",
    "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_REQUIRE_MTLS",
  ])("%s is one warning, which does not show the value", (name) => {
    const { problems, warnings } = readEverySetting({ [name]: "hunter2" });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([{ path: name, message: "is not known, and has no effect" }]);
  });

  test("others are nobody's", () => {
    expect(readEverySetting({ OPENSANDBOX_ID: "1", PATH: "/bin", EGRESS_X: "y" }).warnings).toEqual([]);
  });
});
