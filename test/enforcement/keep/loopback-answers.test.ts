import { expect, test } from "vitest";
import { reportLoopbackAnswers } from "../../../src/enforcement/keep/loopback-answers.ts";
import { createProtections } from "../../../src/protections/protections.ts";

function stateWith(...addresses: readonly string[]): unknown {
  const protections = createProtections({ required: [], onChange: () => undefined });
  reportLoopbackAnswers(
    addresses.map((address) => ({ address, port: 53 })),
    ["127.0.0.1", "::1", "192.0.2.2", "2001:db8::2"],
    protections,
  );
  return protections.list();
}

test("upstreams elsewhere leave it on", () => {
  expect(stateWith("192.0.2.1", "2001:db8::1")).toMatchObject([{ name: "loopback-answers", state: "on" }]);
});

test.each(["127.0.0.11", "::1", "192.0.2.2", "2001:db8::2"])(
  "it is off with an upstream at %s, whose address the reason names",
  (address) => {
    expect(stateWith("192.0.2.1", address, address)).toMatchObject([
      { name: "loopback-answers", state: "off", reason: expect.stringContaining(`answers of ${address},`) },
    ]);
  },
);
