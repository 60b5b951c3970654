import { expect, test } from "vitest";
import { type Arrival, createTransportCheck } from "../../../src/api/vault/refuse-transport.ts";
import { parsePrefix } from "../../../src/policy/prefix.ts";
import { valueOf } from "../../support/policy.ts";

const trustedProxies = ["192.0.2.0/24", "2001:db8:1::/48"].map((text) => valueOf(parsePrefix(text)));
const check = createTransportCheck({ requireTls: true, trustedProxies });

function from(
  remoteAddress: string | undefined,
  proto?: string | string[],
  kind: "outside" | "unix" = "outside",
): Arrival {
  const remoteFamily = remoteAddress?.includes(":") === true ? "IPv6" : "IPv4";
  const headers = proto === undefined ? {} : { "x-forwarded-proto": proto };
  return { door: { kind }, incoming: { headers, socket: { remoteAddress, remoteFamily } } };
}

test.each([
  ["127.0.0.1", undefined, true],
  ["127.255.0.3", undefined, true],
  ["::1", undefined, true],
  ["::ffff:127.0.0.1", undefined, true],
  ["192.0.2.7", "https", true],
  ["192.0.2.7", " HTTPS", true],
  ["::ffff:192.0.2.7", "https", true],
  ["2001:db8:1::7", "https", true],
  ["192.0.2.7", undefined, false],
  ["192.0.2.7", "http", false],
  // Two proxies, of which one was spoken to in the clear.
  ["192.0.2.7", "https, http", false],
  ["192.0.2.7", ["https", "https"], false],
  ["192.0.3.7", "https", false],
  ["2001:db8:2::7", "https", false],
  ["198.51.100.7", undefined, false],
  [undefined, "https", false],
])("a write from %s that was forwarded by %j is taken: %s", (address, proto, isTaken) => {
  const refusal = check(from(address, proto));
  const text = "credential vault writes require TLS or loopback transport";
  expect(refusal?.message).toBe(isTaken ? undefined : text);
});

test("the unix socket's callers are taken, and everyone where nothing is asked for", () => {
  expect(check(from(undefined, undefined, "unix"))).toBeUndefined();
  const open = createTransportCheck({ requireTls: false, trustedProxies: [] });
  expect(open(from("198.51.100.7"))).toBeUndefined();
});
