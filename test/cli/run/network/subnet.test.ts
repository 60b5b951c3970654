import * as fc from "fast-check";
import { expect, test } from "vitest";
import { chooseSubnet } from "../../../../src/cli/run/network/subnet.ts";

test("an unused machine gives the place that the seed picks", () => {
  expect(chooseSubnet([], 0)).toEqual({ cidr: "10.213.0.0/30", machine: "10.213.0.1", inside: "10.213.0.2" });
  expect(chooseSubnet([], 65)).toEqual({
    cidr: "10.213.1.4/30",
    machine: "10.213.1.5",
    inside: "10.213.1.6",
  });
});

test.each([
  ["a route to the same /30", ["10.213.0.0/30"], "10.213.0.4/30"],
  ["an address within it", ["10.213.0.2"], "10.213.0.4/30"],
  ["a wider route with host bits", ["10.213.0.9/29"], "10.213.0.0/30"],
  ["a route over a whole pool", ["10.0.0.0/8"], "172.29.0.0/30"],
  ["all private ranges routed", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], "198.18.213.0/30"],
])("%s is avoided", (_case, taken, cidr) => {
  expect(chooseSubnet(taken, 0)?.cidr).toBe(cidr);
});

test.each([
  ["both halves of everything, as OpenVPN routes them", ["0.0.0.0/1", "128.0.0.0/1"]],
  [
    "all that is not private, and all that is",
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"],
  ],
])("%s leave room for a more specific route", (_case, taken) => {
  expect(chooseSubnet(taken, 0)?.cidr).toBe("10.213.0.0/30");
  expect(chooseSubnet([...taken, "10.213.0.0/29"], 0)?.cidr).toBe("10.213.0.8/30");
});

test("no subnet is left when every pool is routed by itself", () => {
  const pools = ["10.213.0.0/16", "172.29.0.0/16", "192.168.213.0/24", "198.18.213.0/24"];
  expect(chooseSubnet(pools, 1234)).toBeUndefined();
});

test("a subnet never overlaps what is taken, whatever the seed", () => {
  const route = fc
    .tuple(fc.integer({ min: 8, max: 32 }), fc.nat({ max: 255 }), fc.nat({ max: 255 }))
    .map(([length, third, fourth]) => ({ text: `10.213.${third}.${fourth}/${length}`, length }));
  fc.assert(
    fc.property(fc.array(route, { maxLength: 8 }), fc.nat(), (routes, seed) => {
      const subnet = chooseSubnet(
        routes.map(({ text }) => text),
        seed,
      );
      for (const { text, length } of routes) {
        const common = Math.min(length, 30);
        const [address = ""] = text.split("/");
        expect(bits(address).slice(0, common)).not.toBe(bits(subnet?.machine ?? "").slice(0, common));
      }
    }),
  );
});

function bits(address: string): string {
  const octets = address.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0"));
  return octets.join("");
}
