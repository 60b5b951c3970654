/**
 * Why something can't be reached, told by one call: by `GET /explain` and by the command, of the real
 * sidecar.
 */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { codeSpans, tableAfter } from "../readme/markdown.ts";
import { urlAt } from "../support/curl.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ per: "test", upstream: { ttlSeconds: 300 } });

const POLICY = {
  egress: [
    { action: "deny", target: "198.51.100.3" },
    { action: "deny", target: "2001:db8:100::3" },
    ...["one", "three", "nowhere"].map((label) => ({ action: "allow", target: `${label}.example.org` })),
    { action: "allow", target: "192.0.2.99" },
    { action: "allow", target: "2001:db8::99" },
  ],
};

const explanationShape = z.looseObject({
  reachable: z.boolean(),
  because: z.string(),
  patch: z.looseObject({ allow: z.array(z.unknown()).optional(), deny: z.array(z.unknown()).optional() }),
  addresses: z.array(z.looseObject({ address: z.string(), farEnd: z.string() })),
});

/** All reasons that this file's tests were given. */
const told: string[] = [];

async function explain(sidecar: Sidecar, query: string) {
  const answer = await sidecar.api("GET", `/explain?${query}`);
  expect(answer).toMatchObject({ status: 200 });
  const found = explanationShape.parse(answer.json());
  told.push(found.because);
  return found;
}

async function command(sidecar: Sidecar, ...args: string[]) {
  const { stdout, stderr, exitCode } = await execIn(
    lab.sandbox,
    [process.execPath, MAIN, "explain", "--socket", sidecar.socketPath, ...args],
    { env: { PATH: process.env["PATH"] } },
  );
  return { stdout, stderr, exitCode };
}

describe.each(FAMILIES)("the causes in $name", (family: Family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const three = family.one.replace(/1$/, "3");

  test("a name is denied: no rule allows it, and the patch does", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect((await lab.dig("two.example.org", family.qtype)).rcode).toBe("NXDOMAIN");
    const found = await explain(sidecar, "target=two.example.org");
    expect(found).toMatchObject({ reachable: false, because: "no rule allows two.example.org" });
    expect(found.patch).toEqual({ allow: [{ action: "allow", target: "two.example.org" }], deny: [] });
    await sidecar.api("PATCH", "/policy", { body: found.patch.allow });
    expect(await lab.curl(family.flag, "http://two.example.org/")).toMatchObject({ status: 200 });
    expect(await explain(sidecar, "target=two.example.org")).toMatchObject({ reachable: true });
    expect(await command(sidecar, "two.example.org:80")).toMatchObject({ exitCode: 0 });
  });

  test("a name is allowed, and a rule denies its address", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    await lab.dig("three.example.org", family.qtype);
    const found = await explain(sidecar, "target=three.example.org");
    expect(found).toMatchObject({ reachable: false });
    expect(found.because).toContain(
      `its address ${three} is taken out of the answer: rule ${three} denies it`,
    );
    expect(found.patch.allow).toEqual([{ action: "allow", target: three }]);
    await sidecar.api("PATCH", "/policy", { body: found.patch.allow });
    expect(await lab.curl(family.flag, "http://three.example.org/")).toMatchObject({ status: 200 });
  });

  test("an address is denied, by a rule or by none", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await explain(sidecar, `target=${three}&port=80`)).toMatchObject({
      reachable: false,
      because: `${three}: rule ${three} denies ${three}, and no lookup has given it`,
    });
    const found = await explain(sidecar, `target=${family.nameless}`);
    expect(found).toMatchObject({ reachable: false });
    expect(found.because).toContain(`no rule allows ${family.nameless}`);
    await sidecar.api("PATCH", "/policy", { body: found.patch.allow });
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ status: 200 });
  });

  test("a name does not exist", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    await lab.dig("nowhere.example.org", family.qtype);
    expect(await explain(sidecar, "target=nowhere.example.org")).toMatchObject({
      reachable: false,
      because:
        "nowhere.example.org is allowed by rule nowhere.example.org; the upstream says that there is no such name",
    });
  });

  test("the upstream is dead", async () => {
    const env = {
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: "203.0.113.250:5353",
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1",
    };
    const sidecar = await lab.startSidecar({ policy: POLICY, env });
    await lab.dig("one.example.org", family.qtype);
    const found = await explain(sidecar, "target=one.example.org");
    expect(found).toMatchObject({ reachable: false });
    expect(found.because).toContain("its lookup failed: no upstream gave an answer in time");
  });

  test("the far end answers, or refuses: then it was let through, and no flow is left", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await lab.curl(family.flag, "http://one.example.org:81/")).toMatchObject({ exitCode: 7 });
    const refused = await explain(sidecar, "target=one.example.org&port=81");
    expect(refused.reachable).toBe(true);
    expect(refused.addresses).toContainEqual(
      expect.objectContaining({ address: family.one, farEnd: "unknown" }),
    );
    expect(refused.because).toContain("no flow to it is open: none was tried, or the far end has refused it");
    expect(await lab.curl(family.flag, "http://one.example.org/")).toMatchObject({ status: 200 });
    const answered = await explain(sidecar, "target=one.example.org&port=80");
    const kernel = { passes: true, by: "learned" };
    expect(answered.addresses).toContainEqual(
      expect.objectContaining({ address: family.one, farEnd: "answers", kernel }),
    );
    expect(answered.because).toContain("the far end answers");
  });

  test("a connection shows no allowed name: it is let through so far, and the decisions say why it is reset", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    await lab.dig("one.example.org", family.qtype);
    expect(await lab.curl(urlOf(family.one))).toMatchObject({ exitCode: 56 });
    expect(await lab.curl(...urlAt(family.one, "http://two.example.org/"))).toMatchObject({ exitCode: 56 });
    const said = async (): Promise<string> =>
      (await sidecar.api("GET", `/decisions?decision=denied&kind=connection`)).text;
    await until(
      "both are told",
      async () => /shown-form/.test(await said()) && /shown-name/.test(await said()),
    );
    const found = await explain(sidecar, "target=one.example.org&port=80");
    expect(found).toMatchObject({ reachable: true });
    const rule = [{ action: "allow", target: "two.example.org" }];
    await sidecar.api("PATCH", "/policy", { body: rule });
    expect(await lab.curl(...urlAt(family.one, "http://two.example.org/"))).toMatchObject({ status: 200 });
  });

  test("a try tells that the far end refuses, by one call, and reaches one that answers", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    await lab.dig("one.example.org", family.qtype);
    const refused = await explain(sidecar, "target=one.example.org&port=81&try=true");
    expect(refused).toMatchObject({ reachable: false, patch: { allow: [] } });
    expect(refused.addresses).toContainEqual(
      expect.objectContaining({ address: family.one, farEnd: "refuses", tried: true }),
    );
    expect(refused.because).toContain("the far end refuses it");
    expect(await command(sidecar, "--try", "one.example.org:81")).toMatchObject({ exitCode: 1 });
    const answered = await explain(sidecar, "target=one.example.org&port=80&try=true");
    expect(answered).toMatchObject({ reachable: true });
    expect(answered.because).toContain("the far end answers");
    expect(await command(sidecar, "--try", "one.example.org:80")).toMatchObject({ exitCode: 0 });
  });

  test("what the kernel refuses is not tried, and no try is told of as the workload's", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    const denied = await explain(sidecar, `target=${three}&port=80&try=true`);
    expect(denied).toMatchObject({ reachable: false, addresses: [{ address: three, farEnd: "unknown" }] });
    expect(denied.addresses[0]).not.toHaveProperty("tried");
    await lab.dig("one.example.org", family.qtype);
    await explain(sidecar, "target=one.example.org&port=81&try=true");
    const { decisions } = z
      .object({ decisions: z.array(z.unknown()) })
      .parse((await sidecar.api("GET", "/decisions?kind=connection")).json());
    expect(decisions).toEqual([]);
  });

  test("a try tells that the far end stays silent, or that no way leads there", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    const silent = family.set === "v4" ? "192.0.2.99" : "2001:db8::99";
    await configure(lab.sandbox, [`neigh add ${silent} lladdr 02:00:00:00:00:99 dev eth0 nud permanent`]);
    const found = await explain(sidecar, `target=${silent}&port=80&try=true`);
    expect(found).toMatchObject({ reachable: false, addresses: [{ farEnd: "silent", tried: true }] });
    await configure(lab.sandbox, [`route add unreachable ${silent}`]);
    const lost = await explain(sidecar, `target=${silent}&port=80&try=true`);
    expect(lost).toMatchObject({ reachable: false, addresses: [{ farEnd: "unreachable", tried: true }] });
    expect(lost.because).toContain("no way leads there");
  });

  test("the far end stays silent", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    // An address of the link that nobody has would be told by the kernel; this one is known, and drops all.
    const silent = family.set === "v4" ? "192.0.2.99" : "2001:db8::99";
    await configure(lab.sandbox, [`neigh add ${silent} lladdr 02:00:00:00:00:99 dev eth0 nud permanent`]);
    expect(await lab.curl("--connect-timeout", "2", urlOf(silent))).toMatchObject({ exitCode: 28 });
    const found = await explain(sidecar, `target=${silent}&port=80`);
    expect(found).toMatchObject({ reachable: true, addresses: [{ farEnd: "silent" }] });
    expect(found.because).toContain("the far end stays silent");
  });

  test("an address was given by a name, and is in force no longer", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    const { one } = family;
    await lab.dig("one.example.org", family.qtype);
    const open = await explain(sidecar, `target=${one}`);
    expect(open).toMatchObject({
      reachable: true,
      addresses: [{ names: ["one.example.org"], kernel: { by: "learned" } }],
    });
    await sidecar.api("PATCH", "/policy", { body: [{ action: "deny", target: "one.example.org" }] });
    const found = await explain(sidecar, `target=${one}`);
    expect(found).toMatchObject({ reachable: false });
    expect(found.because).toContain("one.example.org gave it, and its time is over");
    expect(await lab.curl(urlOf(one))).toMatchObject({ exitCode: 7 });
  });

  test("rules for a name refuse a port that another name has opened at its address", async () => {
    const egress = [{ action: "deny", target: "a.wild.example.org", ports: [8080] }];
    const sidecar = await lab.startSidecar({ policy: { defaultAction: "allow", egress } });
    for (const name of ["a.wild.example.org", "b.wild.example.org"]) await lab.dig(name, family.qtype);
    const found = await explain(sidecar, "target=a.wild.example.org&port=8080");
    const allow = [{ action: "allow", target: "a.wild.example.org", ports: [8080], protocol: "tcp" }];
    expect(found).toMatchObject({ reachable: false, patch: { allow } });
    expect(found.because).toContain(
      `rule a.wild.example.org tcp/8080 denies tcp port 8080 of a.wild.example.org; what shows no name passes to ${family.wild}, since a lookup of b.wild.example.org gave it`,
    );
    const curl = () => lab.curl(family.flag, "http://a.wild.example.org:8080/");
    expect(await curl()).toMatchObject({ exitCode: 56 });
    await sidecar.api("PATCH", "/policy", { body: allow });
    expect(await curl()).toMatchObject({ status: 200 });
  });
});

test("the command says no by its exit code, in words and as JSON, and how to allow it", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  const denied = await command(sidecar, "two.example.org:443");
  expect(denied).toMatchObject({ exitCode: 1, stderr: "" });
  expect(denied.stdout).toBe(
    [
      "no  two.example.org:443",
      "     no rule allows two.example.org",
      "",
      "to allow it: egress policy patch --allow two.example.org",
      "",
    ].join("\n"),
  );
  const asJson = await command(sidecar, "--json", "two.example.org");
  expect([asJson.exitCode, JSON.parse(asJson.stdout)]).toMatchObject([1, { reachable: false }]);
  expect(await command(sidecar, "*.example.org")).toMatchObject({ exitCode: 65 });
  expect(await command(sidecar, "one.example.org:0")).toMatchObject({ exitCode: 64 });
  expect(await command(sidecar, "--try", "one.example.org")).toMatchObject({ exitCode: 64 });
  expect(await command(sidecar)).toMatchObject({ exitCode: 64 });
});

test("each reason on the page by symptom was given above", () => {
  const page = readFileSync(new URL("../../docs/troubleshooting.md", import.meta.url), "utf8");
  const rows = tableAfter(page, "# It cannot reach the network");
  expect(rows.length).toBeGreaterThan(7);
  const reasons = rows.flatMap(([, says = ""]) => codeSpans(says)).filter((text) => text.includes(" "));
  const missing = reasons.filter((text) => !told.some((because) => isSaid(text, because)));
  expect(missing).toEqual([]);
});

/** NAME, A and X stand for any name, address and rule. */
function isSaid(text: string, because: string): boolean {
  let at = 0;
  return text.split(/\b(?:NAME|A|X)\b/).every((part) => {
    const found = because.indexOf(part, at);
    at = found + part.length;
    return found >= 0;
  });
}
