import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseResolvConf, readResolvConf } from "../../src/config/resolv-conf.ts";

describe("resolv.conf", () => {
  test.each([
    ["nameserver 192.0.2.53", ["192.0.2.53"]],
    [
      "search example.org\nnameserver\t192.0.2.53 \r\nnameserver 2001:DB8::53\n",
      ["192.0.2.53", "2001:db8::53"],
    ],
    ["nameserver 192.0.2.53 # comment\nnameserver 192.0.2.54;x", ["192.0.2.53", "192.0.2.54"]],
    ["nameserver 192.0.2.53\nnameserver 192.0.2.53", ["192.0.2.53"]],
    ["# nameserver 192.0.2.53\n nameserver 192.0.2.54\nnameservers 192.0.2.55", []],
    [
      "nameserver FE80::1%eth0\nnameserver fe80::1%2\nnameserver 192.0.2.53",
      ["fe80::1%eth0", "fe80::1%2", "192.0.2.53"],
    ],
    ["nameserver fe80::1\nnameserver 192.0.2.53:5353\nnameserver [2001:db8::1]\nnameserver dns", []],
    ["", []],
  ])("%j names %j", (text, addresses) => {
    expect(parseResolvConf(text)).toEqual(addresses.map((address) => ({ address, port: 53 })));
  });

  test("gives ten upstreams at most", () => {
    const text = Array.from({ length: 12 }, (_, n) => `nameserver 192.0.2.${n + 1}`).join("\n");
    expect(parseResolvConf(text)).toHaveLength(10);
  });

  test("that is missing or names no resolver is a problem with a remedy", async () => {
    const folder = await mkdtemp(join(tmpdir(), "resolv-conf-"));
    const path = join(folder, "resolv.conf");
    const remedy = { message: expect.stringContaining("OPENSANDBOX_EGRESS_DNS_UPSTREAM") };
    expect(await readResolvConf(path)).toMatchObject({ ok: false, problems: [{ path, ...remedy }] });
    await writeFile(path, "search example.org\n");
    expect(await readResolvConf(path)).toMatchObject({ ok: false, problems: [{ path, ...remedy }] });
    await writeFile(path, "nameserver 192.0.2.53\n");
    expect(await readResolvConf(path)).toEqual({ ok: true, value: [{ address: "192.0.2.53", port: 53 }] });
    await rm(folder, { recursive: true });
  });
});
