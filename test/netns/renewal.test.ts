/** An address that a flow uses outlives its time; so a later change does not cut the flow. Takes the shortest life there is, 60 s. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDownload } from "../support/download.ts";
import { FAMILIES } from "../support/families.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { until } from "../support/until.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await createLab({ upstream: { ttlSeconds: 0 } });
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

test(
  "a download older than its address's life goes on across a change; an unused address has run out",
  { timeout: 110_000 },
  async () => {
    const sidecar = await lab.startSidecar({
      policy: { egress: [{ action: "allow", target: "*.example.org" }] },
    });
    const downloads = await Promise.all(
      FAMILIES.filter(({ name }) => name === "IPv4" || lab.ipv6).map(({ name }) =>
        startDownload(lab, "http://one.example.org/slow", name === "IPv4" ? "-4" : "-6", 100),
      ),
    );
    await lab.dig("two.example.org", "A");
    expect(await readAddresses(lab.sandbox, "dyn_allow_v4")).toContain("198.51.100.2");
    await until(
      "the unused address has run out",
      async () => !(await readAddresses(lab.sandbox, "dyn_allow_v4")).includes("198.51.100.2"),
      80_000,
    );
    expect(await readAddresses(lab.sandbox, "dyn_allow_v4")).toContain("198.51.100.1");
    const body = [{ action: "deny", target: "two.example.org" }];
    expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
    for (const download of downloads) {
      const before = download.octets();
      await until("the download goes on", () => download.octets() > before + 4096);
      expect(download.hasEnded()).toBe(false);
      await download.stop();
    }
  },
);
