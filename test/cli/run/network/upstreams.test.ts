import { expect, test } from "vitest";
import { findUpstreams } from "../../../../src/cli/run/network/upstreams.ts";

const STUB = "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch example.org\n";

function find(files: Readonly<Record<string, string>>, ipv6 = true): unknown {
  const found = findUpstreams((path) => files[path], ipv6);
  return found.ok ? found.value : found.problems[0];
}

test("the machine's resolvers are asked, in order", () => {
  expect(find({ "/etc/resolv.conf": "nameserver 192.0.2.53\nnameserver 2001:db8::53\n" })).toEqual([
    "192.0.2.53",
    "2001:db8::53",
  ]);
});

test("a run without IPv6 asks none over IPv6", () => {
  expect(find({ "/etc/resolv.conf": "nameserver 2001:db8::53\nnameserver 192.0.2.53\n" }, false)).toEqual([
    "192.0.2.53",
  ]);
});

test("behind a loopback stub are the resolvers that systemd-resolved asks", () => {
  const real = "/run/systemd/resolve/resolv.conf";
  expect(find({ "/etc/resolv.conf": STUB, [real]: "nameserver 192.0.2.53\n" })).toEqual(["192.0.2.53"]);
});

test.each([
  ["only a stub", { "/etc/resolv.conf": STUB }],
  ["no file", {}],
  ["::1", { "/etc/resolv.conf": "nameserver ::1\n" }],
])("%s is a problem that names the setting", (_case, files) => {
  expect(JSON.stringify(find(files))).toMatch(
    /^\{"path":"\/etc\/resolv.conf".*OPENSANDBOX_EGRESS_DNS_UPSTREAM/,
  );
});
