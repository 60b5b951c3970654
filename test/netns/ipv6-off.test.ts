/** A sandbox without IPv6, as Docker makes it: everything works over IPv4, and nothing is said about it. */
import { beforeAll, expect, test } from "vitest";
import { readSysctl } from "../../src/netns/namespace.ts";
import { startDownload } from "../support/download.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { promised } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ ipv6: false });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({
    policy: {
      egress: [
        { action: "allow", target: "one.example.org" },
        { action: "allow", target: "2001:db8:100::/64" },
      ],
    },
  });
});

test("the sandbox really has no IPv6", async () => {
  expect(await readSysctl(lab.sandbox, "net.ipv6.conf.all.disable_ipv6")).not.toBe("0");
});

test("it is healthy, without a warning", async () => {
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200, text: "ok" });
  expect(sidecar.logs().filter(({ level }) => level !== "info")).toEqual([]);
  expect(await lab.curlFromOutside("http://192.0.2.2:18080/healthz")).toMatchObject({
    status: 200,
    body: "ok",
  });
});

test("lookups, connections and refusals are as ever", async () => {
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ body: "hello from 198.51.100.1\n" });
  expect(await lab.dig("+tcp", "one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(await lab.curl("http://198.51.100.2/")).toMatchObject({ exitCode: 7 });
});

test("IPv6 addresses are answered and admitted all the same", async () => {
  expect(await lab.dig("one.example.org", "AAAA")).toMatchObject({
    rcode: "NOERROR",
    addresses: ["2001:db8:100::1"],
  });
});

test("a change is applied and cuts what it denies", async () => {
  const download = await startDownload(lab, "http://one.example.org/slow");
  const body = [{ action: "deny", target: "one.example.org" }];
  expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
  await until("the download is cut", () => download.hasEnded(), promised(1_500));
  expect((await download.end).exitCode).toBe(56);
});
