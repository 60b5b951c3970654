/**
 * Audit mode: nothing is blocked but what the operator always denies and the protections hold, and what the
 * policy would deny is told.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { startDownload } from "../support/download.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { promised } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ per: "test", upstream: { ttlSeconds: 300 } });

const IN_AUDIT = { OPENSANDBOX_EGRESS_AUDIT: "true" };
const ALWAYS = { v4: "203.0.113.66", v6: "2001:db8:100:66::66" } as const;
const BY_RULE = { v4: "203.0.113.77", v6: "2001:db8:100:77::77" } as const;
const POLICY = {
  egress: [
    ...Object.values(BY_RULE).map((target) => ({ action: "deny", target })),
    { action: "deny", target: "*.wild.example.org" },
    { action: "allow", target: "one.example.org" },
  ],
};

async function start(env: Readonly<Record<string, string>> = {}): Promise<Sidecar> {
  const folder = join(lab.stateFolder, "rules");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "deny.always"), `${Object.values(ALWAYS).join("\n")}\n`);
  return lab.startSidecar({ policy: POLICY, env });
}
const setAudit = (sidecar: Sidecar, enabled: boolean) => sidecar.api("PUT", "/audit", { body: { enabled } });
const linesOf = (sidecar: Sidecar, msg: string) => sidecar.logs().filter((line) => line["msg"] === msg);
/** Connections that audit mode has let through to addresses, and those for the names that they showed. */
const auditedByAddress = (sidecar: Sidecar) =>
  linesOf(sidecar, "connection audited").filter(({ reason }) => reason === undefined);
const auditedByName = (sidecar: Sidecar) =>
  linesOf(sidecar, "connection audited").filter(({ reason }) => reason === "shown-name");
const fetch = async (...args: string[]): Promise<string> => {
  const { exitCode, status } = await lab.curl(...args);
  return exitCode === 0 ? String(status) : `curl ${exitCode}`;
};
const isOn = ({ msg }: Readonly<Record<string, unknown>>) => String(msg).startsWith("audit mode is on");
const [REACHED, REFUSED, UNKNOWN] = ["200", "curl 7", "curl 6"];

async function readCounters(sidecar: Sidecar): Promise<Readonly<Record<string, number>>> {
  const answer = await sidecar.api("GET", "/status");
  return z.object({ counters: z.record(z.string(), z.number()) }).parse(answer.json()).counters;
}

describe.each(FAMILIES)("$name", (family: Family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("what the policy denies is reached and told, with the rule; deny.always is not reached", async () => {
    const sidecar = await start(IN_AUDIT);
    expect(await fetch(family.flag, "http://two.example.org/")).toBe(REACHED);
    expect(await fetch(family.flag, "http://a.wild.example.org/")).toBe(REACHED);
    expect(await fetch(urlOf(family.nameless))).toBe(REACHED);
    expect(await fetch(urlOf(BY_RULE[family.set]))).toBe(REACHED);
    expect(await fetch(urlOf(ALWAYS[family.set]))).toBe(REFUSED);
    await until("all connections are told", () => linesOf(sidecar, "connection audited").length === 4);
    const common = { level: "warn", "opensandbox.event": "egress.audited", audit: true };
    expect(auditedByAddress(sidecar)).toMatchObject([
      { ...common, "target.ips": [family.nameless], "target.port": 80, layer: "default" },
      { ...common, "target.ips": [BY_RULE[family.set]], layer: "user", rule: BY_RULE[family.set] },
    ]);
    expect(auditedByName(sidecar)).toMatchObject([
      { ...common, "target.host": "two.example.org", "target.port": 80, layer: "default" },
      { ...common, "target.host": "a.wild.example.org", layer: "user", rule: "*.wild.example.org" },
    ]);
    expect(linesOf(sidecar, "lookup audited")).toContainEqual(
      expect.objectContaining({ ...common, "target.host": "two.example.org", layer: "default" }),
    );
    expect(linesOf(sidecar, "lookup audited")).toContainEqual(
      expect.objectContaining({ "target.host": "a.wild.example.org", rule: "*.wild.example.org" }),
    );
    await until("the refused one is told", () => linesOf(sidecar, "connection denied").length === 1);
    expect(linesOf(sidecar, "connection denied")).toMatchObject([{ layer: "deny.always", audit: true }]);
    expect(await readCounters(sidecar)).toMatchObject({
      "egress.connections.audited_total": 2,
      "egress.connections.denied_total": 1,
      "egress.policy.denied_total": 0,
      "egress.policy.audit": 1,
    });
  });

  test("what shows a name in no form that can be read is reached and told", async () => {
    const sidecar = await start(IN_AUDIT);
    expect(await fetch(family.flag, "-H", "Host:", "http://one.example.org/")).toBe(REACHED);
    await until("it is told", () => linesOf(sidecar, "connection audited").length > 0);
    expect(linesOf(sidecar, "connection audited")).toMatchObject([
      { reason: "shown-form", "target.port": 80, audit: true },
    ]);
  });

  test.each([
    ["strict", 1],
    ["known", 0],
  ])("where the default action allows it is told under %s alone: %i", async (names, count) => {
    const policy = { defaultAction: "allow", egress: [{ action: "deny", target: "two.example.org" }] };
    const env = { ...IN_AUDIT, OPENSANDBOX_EGRESS_WIRE_NAMES: names };
    const sidecar = await lab.startSidecar({ policy, env });
    expect(await fetch(family.flag, "-H", "Host:", "http://one.example.org/")).toBe(REACHED);
    // A denied name is told under both, and behind all that came before.
    expect(await fetch(family.flag, "http://two.example.org/")).toBe(REACHED);
    await until("the denied name is told", () => auditedByName(sidecar).length === 1);
    const odd = linesOf(sidecar, "connection audited").filter(({ reason }) => reason === "shown-form");
    expect(odd).toHaveLength(count);
    // Without audit mode the same is refused, or passes.
    await setAudit(sidecar, false);
    const curl = await fetch(family.flag, "-H", "Host:", "http://one.example.org/");
    expect(curl === REACHED).toBe(count === 0);
  });

  test("what the policy allows is not told", async () => {
    const sidecar = await start(IN_AUDIT);
    expect(await fetch(family.flag, "http://one.example.org/")).toBe(REACHED);
    expect(await fetch(urlOf(family.nameless))).toBe(REACHED);
    await until("the last one is told", () => linesOf(sidecar, "connection audited").length > 0);
    expect(linesOf(sidecar, "connection audited")).toHaveLength(1);
    expect(linesOf(sidecar, "lookup audited")).toEqual([]);
  });

  test("switched on, it lets through at once; switched off, it cuts what the policy denies, and nothing else", async () => {
    const sidecar = await start();
    expect(await fetch(family.flag, "http://two.example.org/")).toBe(UNKNOWN);
    const kept = await startDownload(lab, "http://one.example.org/slow", family.flag);
    expect((await setAudit(sidecar, true)).json()).toEqual({ status: "ok", enabled: true });
    expect(await fetch(urlOf(family.nameless))).toBe(REACHED);
    const byName = await startDownload(lab, "http://two.example.org/slow", family.flag);
    const byAddress = await startDownload(lab, `${urlOf(family.nameless)}slow`);
    expect((await setAudit(sidecar, false)).json()).toEqual({ status: "ok", enabled: false });
    await until("the denied flows end", () => byName.hasEnded() && byAddress.hasEnded(), promised(1000));
    expect(await fetch(family.flag, "http://two.example.org/")).toBe(UNKNOWN);
    expect(await fetch(urlOf(family.two))).toBe(REFUSED);
    expect(await fetch(urlOf(family.nameless))).toBe(REFUSED);
    const before = kept.octets();
    await until("the allowed one goes on", () => kept.octets() > before + 4096);
    await kept.stop();
  });

  test("what was seen is suggested as a policy, ready for PUT, under which the same goes on", async () => {
    const sidecar = await start(IN_AUDIT);
    const work = async () => [
      await fetch(family.flag, "http://one.example.org/"),
      await fetch(family.flag, "http://two.example.org/"),
      await fetch(urlOf(family.nameless)),
      await fetch(family.flag, "http://no-such.example.org/"),
    ];
    expect(await work()).toEqual([REACHED, REACHED, REACHED, UNKNOWN]);
    expect(await fetch(family.flag, "http://a.wild.example.org/")).toBe(REACHED);
    await until("the connection is told", () => auditedByAddress(sidecar).length === 1);
    await until("those that showed a name are told", () => auditedByName(sidecar).length === 2);
    const suggested = await sidecar.api("GET", "/policy/suggest");
    const rules = ["one.example.org", "two.example.org", family.nameless];
    expect(suggested.json()).toEqual({
      defaultAction: "deny",
      egress: [
        ...Object.values(BY_RULE).map((target) => ({ action: "deny", target })),
        ...rules.map((target) => ({ action: "allow", target })),
      ],
    });
    const detailed = await sidecar.api("GET", "/policy/suggest?details=true");
    expect(detailed.json()).toMatchObject({
      leftOut: [{ target: "a.wild.example.org", layer: "user", rule: "*.wild.example.org" }],
      seen: { names: 3, addresses: 1, cut: 0 },
    });
    expect(await sidecar.api("PUT", "/policy", { body: suggested.text })).toMatchObject({ status: 200 });
    await setAudit(sidecar, false);
    expect(await work()).toEqual([REACHED, REACHED, REACHED, UNKNOWN]);
    expect(await fetch(family.flag, "http://a.wild.example.org/")).toBe(UNKNOWN);
  });

  test("with the ports that were seen it suggests those alone of addresses, and the same goes on", async () => {
    const sidecar = await start(IN_AUDIT);
    const [at80, at8080] = [urlOf(family.nameless), urlOf(family.nameless).replace(/\/$/, ":8080/")];
    const work = async () => [await fetch(family.flag, "http://two.example.org/"), await fetch(at80)];
    expect(await work()).toEqual([REACHED, REACHED]);
    await until("the connection is told", () => auditedByAddress(sidecar).length === 1);
    const suggested = await sidecar.api("GET", "/policy/suggest?ports=true");
    expect(suggested.json()).toMatchObject({
      egress: expect.arrayContaining([
        { action: "allow", target: "two.example.org" },
        { action: "allow", target: family.nameless, ports: [80] },
      ]),
    });
    expect(await sidecar.api("PUT", "/policy", { body: suggested.text })).toMatchObject({ status: 200 });
    await setAudit(sidecar, false);
    expect(await work()).toEqual([REACHED, REACHED]);
    expect(await fetch(at8080)).toBe(REFUSED);
  });
});

test("health, status, every answer and every line say that it is on, and the body of /healthz stays", async () => {
  const sidecar = await start(IN_AUDIT);
  const on = { "opensandbox-egress-audit": "on" };
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200, text: "ok", headers: on });
  expect(await sidecar.api("GET", "/policy")).toMatchObject({ headers: on });
  const status = await sidecar.api("GET", "/status");
  expect(status.json()).toMatchObject({ audit: { enabled: true } });
  await until("it is told", () => sidecar.logs().some(isOn));
  await lab.dig("one.example.org");
  await setAudit(sidecar, false);
  await until(
    "the end is told",
    () => linesOf(sidecar, "audit mode is off: the policy is enforced").length > 0,
  );
  const logs = sidecar.logs();
  const end = logs.findIndex(({ msg }) => msg === "audit mode is off: the policy is enforced");
  expect(logs.slice(logs.findIndex(isOn), end).filter((line) => line["audit"] !== true)).toEqual([]);
  expect(logs[end]).not.toHaveProperty("audit");
  expect((await sidecar.api("GET", "/healthz")).headers).not.toHaveProperty("opensandbox-egress-audit");
});

test("a restart ends what PUT began, and leaves nothing of it in the kernel", async () => {
  const first = await start();
  await setAudit(first, true);
  expect(await fetch("-4", "http://two.example.org/")).toBe(REACHED);
  await first.kill("SIGKILL");
  const second = await start();
  expect((await second.api("GET", "/audit")).json()).toEqual({ status: "ok", enabled: false });
  expect(await fetch("-4", "http://two.example.org/")).toBe(UNKNOWN);
  expect(await fetch(urlOf("198.51.100.2"))).toBe(REFUSED);
  const { stdout } = await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"]);
  expect(stdout).not.toMatch(/audit_|chain audited/);
});

test("a change of the policy while it is on says what would be denied from then on, and holds once it is off", async () => {
  const sidecar = await start(IN_AUDIT);
  expect(
    await sidecar.api("PATCH", "/policy", { body: [{ action: "deny", target: "one.example.org" }] }),
  ).toMatchObject({
    status: 200,
  });
  expect(await fetch("-4", "http://one.example.org/")).toBe(REACHED);
  await until("it is told", () => linesOf(sidecar, "lookup audited").length > 0);
  await sidecar.api("PATCH", "/policy", { body: [{ action: "allow", target: "203.0.113.200" }] });
  expect(await fetch(urlOf("203.0.113.200"))).toBe(REACHED);
  await setAudit(sidecar, false);
  expect(await fetch("-4", "http://one.example.org/")).toBe(UNKNOWN);
  expect(await fetch(urlOf("203.0.113.200"))).toBe(REACHED);
  expect(linesOf(sidecar, "connection audited")).toEqual(auditedByName(sidecar));
  expect(auditedByName(sidecar)).toMatchObject([{ "target.host": "one.example.org" }]);
});
