import { expect, test } from "vitest";
import { readSettings } from "../../src/config.ts";

const SIGNED = { OPENSANDBOX_EGRESS_SIGNED_WRITES: "true" };

test("signed writes without the token that they are signed with stop the start", () => {
  expect(readSettings(SIGNED)).toMatchObject({
    ok: false,
    problems: [{ path: "OPENSANDBOX_EGRESS_SIGNED_WRITES" }],
  });
});

test("signed writes with a token are a setting like others", () => {
  expect(readSettings({ ...SIGNED, OPENSANDBOX_EGRESS_TOKEN: "secret" })).toMatchObject({
    ok: true,
    value: { signedWrites: true },
  });
});
