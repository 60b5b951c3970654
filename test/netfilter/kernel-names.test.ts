import * as fc from "fast-check";
import { expect, test } from "vitest";
import { guardChainName, guardedDevice } from "../../src/netfilter/kernel-names.ts";

test.each([
  ["eth0", "egress_eth0"],
  ["eth0.100", "egress_eth0.100"],
  ["a+b", "egress-hex_612b62"],
])("the guard chain of %s is %s", (device, chain) => {
  expect(guardChainName(device)).toBe(chain);
});

test("a guard chain's name tells its interface", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (device) => {
      expect(guardedDevice(guardChainName(device))).toBe(device);
    }),
  );
  expect(guardedDevice("egress")).toBeUndefined();
});
