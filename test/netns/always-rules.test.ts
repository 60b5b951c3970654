/**
 * The operator's rule files, written while the sidecar runs: in force within a second, over the user's
 * policy.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { type Download, startDownload } from "../support/download.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { promised } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "two.example.org" },
  ],
};

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar();
});
beforeEach(async () => {
  for (const name of ["deny.always", "allow.always"]) await rm(pathOf(name), { force: true });
  await change("PUT", POLICY);
  await until("the files of the last test are forgotten", async () => {
    return (
      (await rcodeOf("one.example.org")) === "NOERROR" && (await rcodeOf("three.example.org")) === "NXDOMAIN"
    );
  });
});

const pathOf = (name: string): string => join(lab.stateFolder, "rules", name);
const write = (name: string, text: string): Promise<void> => writeFile(pathOf(name), text);
const rcodeOf = async (name: string): Promise<string | undefined> => (await lab.dig(name, "A")).rcode;
/** Half a second more than promised: each look takes a dig. */
const inASecond = (what: string, ask: () => Promise<boolean>): Promise<unknown> =>
  until(what, ask, promised(1_500));

async function change(method: string, body: unknown): Promise<void> {
  expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 200 });
}

async function expectCut(download: Download): Promise<void> {
  await until("the download has ended", () => download.hasEnded(), promised(1_000));
  // 56: the kernel has reset it. 28 would be curl's own time limit.
  expect((await download.end).exitCode).toBe(56);
}

async function expectRunning(download: Download): Promise<void> {
  const before = download.octets();
  await until("the download goes on", () => download.octets() > before + 4_096);
  expect(download.hasEnded()).toBe(false);
}

test("a denied name and address are in force within a second and cut what runs", async () => {
  const cut = await startDownload(lab, "http://one.example.org/slow", "-4");
  const kept = await startDownload(lab, "http://two.example.org/slow", "-4");
  await write("deny.always", "# theirs\r\none.example.org\r\n\n");
  await inASecond("the name is denied", async () => (await rcodeOf("one.example.org")) === "NXDOMAIN");
  await expectCut(cut);
  await expectRunning(kept);
  await write("deny.always", "198.51.100.2\n");
  await inASecond("the address is denied", async () => kept.hasEnded());
  expect(await rcodeOf("one.example.org")).toBe("NOERROR");
});

test("an allowed name is open although the policy denies it, but not over deny.always", async () => {
  await write("allow.always", "three.example.org\n203.0.113.200\n");
  await inASecond("the name is allowed", async () => (await rcodeOf("three.example.org")) === "NOERROR");
  expect(await lab.curl("http://203.0.113.200/")).toMatchObject({ status: 200 });
  await change("PATCH", [{ action: "deny", target: "three.example.org" }]);
  expect(await rcodeOf("three.example.org")).toBe("NOERROR");
  await write("deny.always", "203.0.113.0/24\n*.example.org\n");
  await inASecond("the name is denied", async () => (await rcodeOf("three.example.org")) === "NXDOMAIN");
  expect(await lab.curl("http://203.0.113.200/")).toMatchObject({ exitCode: 7 });
  expect((await sidecar.api("GET", "/policy")).text).not.toContain("203.0.113");
});

test("a bad line keeps the rules in force, and the log names file, line and reason", async () => {
  await write("deny.always", "one.example.org\n");
  await inASecond("the name is denied", async () => (await rcodeOf("one.example.org")) === "NXDOMAIN");
  await write("deny.always", "two.example.org\n10.0.0.0/33\n");
  await inASecond("the log says so", async () => /deny\.always:2: .*33/.test(sidecar.output()));
  expect(await rcodeOf("one.example.org")).toBe("NXDOMAIN");
  expect(await rcodeOf("two.example.org")).toBe("NOERROR");
});
