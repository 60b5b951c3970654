/**
 * Who may call the API of the running sidecar from where, and what it says to them; with curl, over IPv4 and
 * IPv6.
 */
import { stat } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const RULE = JSON.stringify([{ action: "allow", target: "one.example.org" }]);

const lab = useLab();

async function startWith(env: Record<string, string | undefined>): Promise<Sidecar> {
  return lab.startSidecar({ env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, ...env } });
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const url = (path: string): string => urlOf(family.sandbox, path).replace(/(?<=\/\/[^/]+)\//, ":18080/");
  const local = family.name === "IPv4" ? "http://127.0.0.1:18080/policy" : "http://[::1]:18080/policy";

  test("with a token everyone needs it but for health, from outside and from the workload's loopback", async () => {
    await using sidecar = await startWith({});
    const auth = ["-H", `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`];
    expect(await lab.curlFromOutside(url("/healthz"))).toMatchObject({ status: 200, body: "ok" });
    for (const curl of [lab.curl, lab.curlFromOutside]) {
      const place = curl === lab.curl ? local : url("/policy");
      expect(await curl(place)).toMatchObject({ status: 401, body: expect.stringMatching(/^unauthorized/) });
      expect(await curl("-X", "PATCH", "-d", RULE, place)).toMatchObject({ status: 401 });
      expect(await curl(...auth, place)).toMatchObject({ status: 200 });
      expect(await curl(...auth, "-X", "PATCH", "-d", RULE, place)).toMatchObject({ status: 200 });
    }
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
  });

  test("without a token the workload may read and not write, at any address of its own, and the start warns", async () => {
    await using sidecar = await startWith({ OPENSANDBOX_EGRESS_TOKEN: "" });
    expect(sidecar.logs()).toContainEqual(
      expect.objectContaining({ level: "warn", msg: expect.stringContaining("TOKEN") }),
    );
    for (const place of [local, url("/policy")]) {
      expect(await lab.curl(place)).toMatchObject({ status: 200 });
      expect(await lab.curl("-X", "PATCH", "-d", RULE, place)).toMatchObject({
        status: 403,
        body: expect.stringContaining("OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES"),
      });
    }
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
    expect(await lab.curlFromOutside("-X", "PATCH", "-d", RULE, url("/policy"))).toMatchObject({
      status: 200,
    });
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
  });
});

test("local writes are open where the setting says so", async () => {
  await using _sidecar = await startWith({
    OPENSANDBOX_EGRESS_TOKEN: "",
    OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES: "true",
  });
  expect(await lab.curl("-X", "PATCH", "-d", RULE, "http://127.0.0.1:18080/policy")).toMatchObject({
    status: 200,
  });
});

test("the unix socket is for its owner alone and asks for no token", async () => {
  await using sidecar = await startWith({});
  expect((await stat(sidecar.socketPath)).mode & 0o777).toBe(0o600);
  const answer = await lab.curlFromOutside("--unix-socket", sidecar.socketPath, "http://egress/policy");
  expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('"mode":"deny_all"') });
});

test("more rules than the cap are refused and nothing changes", async () => {
  await using sidecar = await startWith({ OPENSANDBOX_EGRESS_MAX_RULES: "2" });
  const rules = ["one", "two", "three"].map((name) => ({ action: "allow", target: `${name}.example.org` }));
  expect(await sidecar.api("PUT", "/policy", { body: { egress: rules.slice(0, 2) } })).toMatchObject({
    status: 200,
  });
  expect(await sidecar.api("PATCH", "/policy", { body: rules.slice(2) })).toMatchObject({
    status: 413,
    text: "egress rule total count 3 exceeds limit 2",
  });
  expect(await lab.dig("three.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
});

test("a bad rule is refused with its place, and nothing changes", async () => {
  await using sidecar = await startWith({});
  const body = [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "10.0.0.0/33" },
  ];
  expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({
    status: 400,
    text: expect.stringMatching(/^invalid patch rules: .*\[1\]\.target: /),
  });
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
});
