/**
 * Why a sandbox cannot reach something: each cause that a decision holds is told by one call of `egress log`,
 * in both families.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { findDeviation } from "../conformance/documented.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { runProgram } from "../support/program.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const RULES: Readonly<Record<Family["set"], string>> = { v4: "198.51.100.2", v6: "2001:db8:100::2" };
const lab = useLab({
  per: "test",
  zone: { "both.example.org": { addresses: ["198.51.100.1", RULES.v4] } },
});

const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "two.example.org" },
    { action: "allow", target: "nowhere.example.org" },
    { action: "deny", target: "*.example.net" },
    ...Object.values(RULES).map((target) => ({ action: "deny", target })),
  ],
};
/** On the link, and nobody's. */
const DEAD = "192.0.2.99";

/** What `egress log` says, without the times. */
async function tellBy(sidecar: Sidecar, ...argv: readonly string[]): Promise<string> {
  const env = { OPENSANDBOX_EGRESS_SOCKET: sidecar.socketPath };
  const { stdout, stderr } = await runProgram(lab.sandbox, ["log", ...argv], { env });
  expect(stderr).toBe("");
  return stdout.replaceAll(/^\S+ {2}/gm, "");
}

describe.each(FAMILIES)("$name", (family: Family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const { qtype, flag } = family;

  test("a name that no rule allows, and one that a rule denies", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await lab.curl(flag, "http://api.example.com/")).toMatchObject({ exitCode: 6 });
    expect(await lab.curl(flag, "http://www.example.net/")).toMatchObject({ exitCode: 6 });
    expect(await tellBy(sidecar, "--name", "api.example.com")).toContain(
      `denied    api.example.com ${qtype}: no rule allows it\n`,
    );
    expect(await tellBy(sidecar, "--name", "*.example.net")).toContain(
      `denied    www.example.net ${qtype}: denied by the rule *.example.net\n`,
    );
  });

  test("a name whose address a rule denies, which is not one that has no address", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await lab.curl(flag, "http://two.example.org/")).toMatchObject({ exitCode: 6 });
    expect(await lab.curl(flag, "http://nowhere.example.org/")).toMatchObject({ exitCode: 6 });
    const address = RULES[family.set];
    const cause = `${address} was taken out, denied by the rule ${address}`;
    expect(await tellBy(sidecar, "--name", "two.example.org")).toContain(
      `withheld  two.example.org ${qtype}: ${cause}\n`,
    );
    expect(await tellBy(sidecar, "--name", "nowhere.example.org")).toContain(
      `nxdomain  nowhere.example.org ${qtype}: there is no such name (192.0.2.1:53)\n`,
    );
  });

  test("an address that a rule denies, and one that no lookup here has brought", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await lab.curl(urlOf(RULES[family.set]))).toMatchObject({ exitCode: 7 });
    expect(await lab.curl(urlOf(family.one))).toMatchObject({ exitCode: 7 });
    const shown = (address: string): string => (family.set === "v4" ? address : `[${address}]`);
    await expect
      .poll(() => tellBy(sidecar, "--denied", "--address", RULES[family.set]))
      .toBe(`denied    tcp ${shown(RULES[family.set])}:80: denied by the rule ${RULES[family.set]}\n`);
    await expect
      .poll(() => tellBy(sidecar, "--denied", "--address", family.one))
      .toBe(`denied    tcp ${shown(family.one)}:80: no rule allows it, and no lookup has brought it\n`);
  });

  test("an address that a name has brought, and that a change has denied since", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await lab.curl(flag, "http://one.example.org/")).toMatchObject({ status: 200 });
    await sidecar.api("DELETE", "/policy", { body: ["one.example.org"] });
    expect(await lab.curl(urlOf(family.one))).toMatchObject({ exitCode: 7 });
    await expect
      .poll(() => tellBy(sidecar, "--denied", "--name", "one.example.org"))
      .toMatch(/^denied {4}tcp \S+:80 \(one\.example\.org\): no rule allows it\n$/);
  });

  test("an upstream that does not answer", async () => {
    const sidecar = await lab.startSidecar({
      policy: POLICY,
      env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: DEAD, OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1" },
    });
    await lab.dig("+tries=1", "one.example.org", qtype);
    expect(await tellBy(sidecar, "--name", "one.example.org")).toBe(
      `failed    one.example.org ${qtype}: no upstream gave an answer in time (${DEAD}:53)\n`,
    );
    expect(sidecar.logs()).toContainEqual(
      expect.objectContaining({ level: "warn", decision: "failed", "server.address": DEAD }),
    );
  });
});

test("what is there is told with its addresses, and nothing of the rest is said to be denied", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  expect(await lab.curl("-4", "http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await tellBy(sidecar, "--name", "one.example.org")).toBe(
    "allowed   one.example.org A: 198.51.100.1\n",
  );
  const { exitCode } = await runProgram(lab.sandbox, ["log", "--denied"], {
    env: { OPENSANDBOX_EGRESS_SOCKET: sidecar.socketPath },
  });
  expect(exitCode).toBe(1);
});

test("what an answer has lost to a rule is told with what it keeps, by the log and by both of its addresses", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  const both = ["198.51.100.1", RULES.v4];
  await sidecar.api("PATCH", "/policy", { body: [{ action: "allow", target: "both.example.org" }] });
  expect(await lab.dig("both.example.org")).toMatchObject({ addresses: ["198.51.100.1"] });
  const told = `allowed   both.example.org A: 198.51.100.1; 1 taken out, ${RULES.v4} first: denied by the rule ${RULES.v4}\n`;
  expect(await tellBy(sidecar, "--name", "both.example.org")).toBe(told);
  for (const address of both) {
    const answer = await sidecar.api("GET", `/decisions?address=${address}`);
    expect(answer.json()).toMatchObject({
      decisions: [{ name: "both.example.org", takenOut: { count: 1, first: RULES.v4, rule: RULES.v4 } }],
    });
    expect(findDeviation("GET", "/decisions", answer)).toBeUndefined();
  }
});

test("the workload is told by its own resolver", async () => {
  await lab.startSidecar({ policy: POLICY });
  const said = async (...args: readonly string[]): Promise<string> =>
    (await lab.asWorkload(["dig", ...args])).stdout;
  expect(await said("api.example.com")).toContain("EDE: 15 (Blocked): (no rule allows api.example.com)");
  expect(await said("www.example.net")).toContain("(a rule denies www.example.net)");
  expect(await said("two.example.org")).toContain(
    "EDE: 17 (Filtered): (every address of this name is denied)",
  );
  expect(await said("+bufsize=512", `${"x".repeat(63)}.${"y".repeat(63)}.example.com`)).toContain(
    "(no rule allows this name)",
  );
});

test("kdig shows the workload the same words", async () => {
  await lab.startSidecar({ policy: POLICY });
  const said = async (name: string): Promise<string> =>
    (await lab.asWorkload(["kdig", "+edns", name])).stdout;
  expect(await said("api.example.com")).toContain("EDE: 15 (Blocked): 'no rule allows api.example.com'");
  expect(await said("www.example.net")).toContain("'a rule denies www.example.net'");
  expect(await said("two.example.org")).toContain(
    "EDE: 17 (Filtered): 'every address of this name is denied'",
  );
});

test("decisions over the API are as documented", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await lab.dig("api.example.com");
  await lab.dig("one.example.org");
  await lab.curl(urlOf(RULES.v4));
  await expect
    .poll(async () => (await sidecar.api("GET", "/decisions")).json())
    .toMatchObject({
      decisions: [
        { kind: "connection", decision: "denied", protocol: "tcp", port: 80, addresses: [RULES.v4] },
        { kind: "lookup", decision: "allowed", name: "one.example.org", upstream: "192.0.2.1:53" },
        { kind: "lookup", decision: "denied", name: "api.example.com" },
      ],
    });
  expect(findDeviation("GET", "/decisions", await sidecar.api("GET", "/decisions"))).toBeUndefined();
});
