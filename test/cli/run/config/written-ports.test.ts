import { expect, test } from "vitest";
import { parseConfig } from "../../../../src/cli/run/config/parse-config.ts";
import { renderRule } from "../../../../src/policy/rule.ts";
import { valueOf } from "../../../support/policy.ts";

test("a target in a policy file may have a port and a protocol", () => {
  const text =
    "allow:\n  - db.example.org:5432\n  - '[2001:db8::7]:443'\ndeny:\n  - '*:25'\n  - 192.0.2.0/24:53/udp\n";
  expect(valueOf(parseConfig(text, "egress.yaml")).rules.map(renderRule)).toEqual([
    { action: "deny", ports: ["25"] },
    { action: "deny", target: "192.0.2.0/24", ports: ["53"], protocol: "udp" },
    { action: "allow", target: "db.example.org", ports: ["5432"] },
    { action: "allow", target: "2001:db8::7", ports: ["443"] },
  ]);
});

test("a port that is none is named with its line", () => {
  expect(parseConfig("allow:\n  - db.example.org:0\n", "egress.yaml")).toMatchObject({ ok: false });
});
