/** Judged names and rules with ports: each name is good on its own ports alone, also at a shared address. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { type NamedSites, startNamedSites } from "../support/named-sites.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const TALKER = fileURLToPath(new URL("../netfilter/talking-child.ts", import.meta.url));
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [ONE, TWO] = ["one.shared.example.org", "two.shared.example.org"];
/** curl: the connection was reset, while TLS began or later. */
const RESET = [35, 56];
const [TLS, HTTP, OTHER_PORT] = [443, 8090, 8091];

const lab = useLab({ zone: { [ONE]: SHARED, [TWO]: SHARED }, upstream: { ttlSeconds: 300 } });
let sites: NamedSites;
let sidecar: Sidecar;
beforeAll(async () => {
  sites = await startNamedSites(lab);
  sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "known" } });
});
afterAll(() => sites[Symbol.asyncDispose]());

async function policyIs(...egress: readonly object[]): Promise<void> {
  const answer = await sidecar.api("PUT", "/policy", { body: { egress } });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
}
async function expectTalking(talking: JsonServer): Promise<void> {
  const before = talking.lines.length;
  await until("it talks", () => talking.lines.length > before + 3);
  expect(talking.lines.filter(({ event }) => event === "ended")).toEqual([]);
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const shared = family.name === "IPv4" ? "198.51.100.50" : "2001:db8:100::50";
  async function curl(name: string, port: number): Promise<number | undefined> {
    const scheme = port === TLS ? "https" : "http";
    const { exitCode } = await lab.asWorkload(["curl", "-sk", family.flag, `${scheme}://${name}:${port}/`]);
    return exitCode;
  }
  async function talk(name: string): Promise<JsonServer> {
    return startJsonServer(lab.sandbox, workloadArgv([process.execPath, TALKER, shared, name]));
  }

  test("a name at a shared address passes on its own ports, and on those of the other name it does not", async () => {
    await policyIs(
      { action: "allow", target: ONE, ports: [TLS] },
      { action: "allow", target: TWO, ports: [HTTP] },
    );
    const shown = await sites.shownDuring(async () => {
      expect([await curl(ONE, TLS), await curl(TWO, HTTP)]).toEqual([0, 0]);
      expect(RESET).toContain(await curl(TWO, TLS));
      expect(RESET).toContain(await curl(ONE, HTTP));
      expect([await curl(ONE, OTHER_PORT), await curl(TWO, OTHER_PORT)]).toEqual([7, 7]);
    });
    expect(shown).toEqual([ONE, `${TWO}:${HTTP}`]);
  });

  test("a port that one of two names loses ends that name's connections, and no others", async () => {
    await policyIs(
      { action: "allow", target: ONE, ports: [TLS] },
      { action: "allow", target: TWO, ports: [TLS, HTTP] },
    );
    expect([await curl(ONE, TLS), await curl(TWO, TLS)]).toEqual([0, 0]);
    await using kept = await talk(ONE);
    await using denied = await talk(TWO);
    for (const talking of [kept, denied]) await expectTalking(talking);
    await policyIs(
      { action: "allow", target: ONE, ports: [TLS] },
      { action: "allow", target: TWO, ports: [HTTP] },
    );
    await until("its connection has ended", () => denied.lines.some(({ event }) => event === "ended"));
    expect(RESET).toContain(await curl(TWO, TLS));
    await expectTalking(kept);
    expect([await curl(ONE, TLS), await curl(TWO, HTTP)]).toEqual([0, 0]);
  });

  test("an address rule for a port is not judged there, and names are on all others", async () => {
    await policyIs(
      { action: "allow", target: shared, ports: [TLS] },
      { action: "allow", target: ONE, ports: [HTTP] },
      { action: "allow", target: TWO, protocol: "icmp" },
    );
    expect([await curl(TWO, TLS), await curl(ONE, HTTP)]).toEqual([0, 0]);
    expect(RESET).toContain(await curl(TWO, HTTP));
  });
});
