/**
 * The way to a policy by audit mode, to its end: what was seen is suggested, takes the policy's place, and
 * the same connections pass once audit mode is off. Of names that rules with ports speak of, that share their
 * address with others.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMachine } from "../support/machine.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ per: "test", ipv6: false, upstream: { ttlSeconds: 300 } });

const [RULED, DENIED, SHARING] = ["a.wild.example.org", "b.wild.example.org", "d.wild.example.org"];
const POLICY = {
  egress: [
    { action: "allow", target: RULED, ports: [80] },
    { action: "deny", target: DENIED, ports: [25] },
    { action: "allow", target: "d.wild.example.org", ports: [7] },
  ],
};
const URLS = [
  `http://${RULED}/`,
  `http://${RULED}:8080/`,
  `http://${DENIED}:8080/`,
  `http://${SHARING}:8080/`,
  "http://two.example.org:8080/",
];
/** Those that POLICY does not allow. */
const AUDITED = URLS.length - 1;

async function reach(lookedUp: readonly string[]): Promise<readonly unknown[]> {
  for (const name of lookedUp) await lab.dig(name, "A");
  const answers = [];
  for (const url of URLS) answers.push((await lab.curl(url)).status);
  return answers;
}
const setAudit = (sidecar: Sidecar, enabled: boolean) => sidecar.api("PUT", "/audit", { body: { enabled } });

const isTold = (line: Readonly<Record<string, unknown>>) => line["msg"] === "connection audited";

const QUERIES = ["", "?ports=true", "?wildcards=true", "?ports=true&wildcards=true"];
/** One without rules opens the address of all to every flow. */
const ORDERS = [
  ["the kernel tells of the ports", [RULED, SHARING, DENIED]],
  ["what names the connections show tells of the ports", [RULED, "free.wild.example.org", SHARING, DENIED]],
] as const;

test.each(ORDERS.flatMap(([who, lookedUp]) => QUERIES.map((query) => ({ who, lookedUp, query }))))(
  "$who: what was reached is reached by the suggestion, $query",
  async ({ query, lookedUp }) => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    await setAudit(sidecar, true);
    expect(await reach(lookedUp)).toEqual(URLS.map(() => 200));
    await until("all are told", () => sidecar.logs().filter(isTold).length >= AUDITED);
    const suggested = await sidecar.api("GET", `/policy/suggest${query}`);
    expect(await sidecar.api("PUT", "/policy", { body: suggested.text })).toMatchObject({ status: 200 });
    await setAudit(sidecar, false);
    expect([suggested.text, await reach(lookedUp)]).toEqual([suggested.text, URLS.map(() => 200)]);
    // The ruled name is no wider than what was seen of it, and what is denied stays so.
    expect(suggested.json()).toMatchObject({
      egress: expect.arrayContaining([
        { action: "allow", target: RULED, ports: [8080] },
        { action: "deny", target: DENIED, ports: [25] },
      ]),
    });
    expect(suggested.text).not.toContain(JSON.stringify({ action: "allow", target: RULED }));
  },
);

test("a run by the rules that an audited one has saved reaches the same", async () => {
  const machine = createMachine(lab);
  const folder = await mkdtemp(join(tmpdir(), "egress-round-trip-"));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true }));
  const saved = join(folder, "saved.yaml");
  // A lookup alone opens the address to all flows in audit mode.
  const work = ["sh", "-c", `getent ahostsv4 ${SHARING}; curl -sS -f http://${RULED}/ http://${RULED}:8080/`];
  const audited = ["--audit", "--ports", "--save", saved, "--no-config", "--allow", `${RULED}:80`, "--"];
  const first = await machine.run([...audited, ...work]);
  expect([first.exitCode, first.stderr]).toEqual([0, first.stderr]);
  const second = await machine.run(["--config", saved, "--fail-on-deny", "--", ...work]);
  const rules = await readFile(saved, "utf8");
  expect([rules, second.stderr, second.exitCode]).toEqual([rules, second.stderr, 0]);
});
