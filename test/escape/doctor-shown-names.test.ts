/**
 * `egress doctor --allowed NAME`: another name that is shown at an address which an allowed name has opened,
 * by each setting of OPENSANDBOX_EGRESS_WIRE_NAMES, and what the far end has seen of it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { type NamedSites, startNamedSites } from "../support/named-sites.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const ROW = "another name at an open address";
const GOOD = "good.shared.example.org";
const POLICY = { egress: [{ action: "allow", target: GOOD }] };
const reportShape = z.object({
  rows: z.array(
    z.object({
      name: z.string(),
      outcome: z.string(),
      detail: z.string(),
      findings: z.array(z.object({ what: z.string(), family: z.string().optional(), outcome: z.string() })),
    }),
  ),
});

const lab = useLab({
  zone: { [GOOD]: { addresses: ["198.51.100.50", "2001:db8:100::50"] } },
  upstream: { ttlSeconds: 300 },
});
let sites: NamedSites;
let sidecar: Sidecar | undefined;
beforeAll(async () => {
  sites = await startNamedSites(lab);
});
afterEach(async () => {
  await sidecar?.kill("SIGKILL");
  sidecar = undefined;
});
afterAll(() => sites[Symbol.asyncDispose]());

/** The Hosts that the web servers were asked for from there on: what was caused before is among them. */
async function hostsSince(before: number): Promise<readonly unknown[]> {
  const path = `/mark-${before}`;
  await execIn(lab.internet, ["curl", "-s", `http://127.0.0.1${path}`]);
  const requests = () =>
    lab.web
      .events()
      .slice(before)
      .filter(({ event }) => event === "request");
  await until("the mark is seen", () => requests().some((request) => request.path === path));
  return requests().flatMap((request) => (request.path === path ? [] : [request.host]));
}

/** The row of names, as the workload; and the names that the far ends were shown meanwhile. */
async function examine(...options: readonly string[]) {
  const before = lab.web.events().length;
  let row: z.infer<typeof reportShape>["rows"][number] | undefined;
  const shown = await sites.shownDuring(async () => {
    const argv = [process.execPath, MAIN, "doctor", "--json", ...options] as const;
    const { stdout } = await execIn(lab.sandbox, withOwnPlaces(workloadArgv(argv)));
    row = reportShape.parse(JSON.parse(stdout)).rows.find(({ name }) => name === ROW);
  });
  return { row, shown: [...shown, ...(await hostsSince(before))] };
}
const families = (): readonly string[] => (lab.ipv6 ? ["IPv4", "IPv6"] : ["IPv4"]);
const attempts = (outcome: string): unknown =>
  expect.arrayContaining(
    families().flatMap((family) => ["TLS", "HTTP"].map((what) => ({ what, family, outcome }))),
  );

describe("where the policy denies it", () => {
  test.each(["known", "strict"])(
    "%s holds it, by TLS and HTTP, and the far end hears no name",
    async (names) => {
      sidecar = await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_WIRE_NAMES: names } });
      const { row, shown } = await examine("--allowed", GOOD);
      expect(row).toMatchObject({ outcome: "held", findings: attempts("held") });
      expect(shown).toEqual([]);
    },
  );

  test("off does not hold it, and the far end has the names", async () => {
    sidecar = await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "off" } });
    const { row, shown } = await examine("--allowed", GOOD);
    expect(row).toMatchObject({ outcome: "open", findings: attempts("open") });
    expect(shown).toHaveLength(2 * families().length);
    for (const name of shown) expect(name).toMatch(/^[0-9a-f]{32}\.egress-doctor\.invalid$/);
  });
});

test("a name that is not allowed has no address to try it at, and without a name nothing is tried", async () => {
  sidecar = await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "known" } });
  const { row } = await examine("--allowed", "other.example.org");
  expect(row).toMatchObject({ outcome: "untried" });
  expect(row?.detail).toContain("no address of other.example.org");
  expect((await examine()).row).toMatchObject({
    outcome: "untried",
    detail: "no allowed name is given: --allowed NAME",
  });
});
