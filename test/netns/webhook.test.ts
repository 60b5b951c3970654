/**
 * The deny webhook against real receivers, under policies that let nothing out: it arrives, and its way is
 * nobody else's.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { WAIT_MS } from "../support/limits.ts";
import { probe } from "../support/probe.ts";
import { type ReceivedRequest, type Receiver, startReceiver } from "../support/receiver.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const PORT = 9090;
const TLS_PORT = 9443;
const ADDRESS = { IPv4: "198.51.100.40", IPv6: "2001:db8:100::40" } as const;
const DENY_ALL = { defaultAction: "deny", egress: [] };

const lab = useLab({
  zone: {
    "hooks.example.net": { addresses: [ADDRESS.IPv4, ADDRESS.IPv6] },
    "alias.example.net": { cname: "hooks.example.net" },
    "loopback.example.net": { addresses: ["127.0.0.1"] },
  },
});
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver(lab.internet, { port: PORT });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
});

function startWith(url: string, env: Record<string, string | undefined> = {}): Promise<Sidecar> {
  return lab.startSidecar({
    policy: DENY_ALL,
    env: {
      OPENSANDBOX_EGRESS_POLICY_FILE: undefined,
      OPENSANDBOX_EGRESS_DENY_WEBHOOK: url,
      OPENSANDBOX_EGRESS_SANDBOX_ID: "sbx-7",
      ...env,
    },
  });
}

const urlAt = (address: string, path: string): string =>
  `http://${address.includes(":") ? `[${address}]` : address}:${PORT}${path}`;

/** What arrives at the path until there are so many. */
async function received(path: string, count = 1): Promise<readonly ReceivedRequest[]> {
  const found = (): readonly ReceivedRequest[] => receiver.requests().filter((one) => one.path === path);
  await until(`${count} requests at ${path}`, () => found().length >= count);
  return found();
}

async function expectClosedToWorkload(family: Family): Promise<void> {
  const address = ADDRESS[family.name];
  const before = receiver.requests().length;
  const { result } = await probe(lab, "tcp", address, String(PORT));
  expect(result).not.toBe("connected");
  const { status, exitCode } = await lab.curl(urlAt(address, "/stolen"));
  expect({ status, exitCode }).toEqual({ status: 0, exitCode: 7 });
  expect(receiver.requests()).toHaveLength(before);
}

describe.each(FAMILIES)("$name", (family) => {
  test("a denied lookup arrives at a literal address under deny-all, and the workload cannot go there", async (context) => {
    skipWithoutFamily(context, lab, family);
    const path = `/literal-${family.name}`;
    await using _sidecar = await startWith(urlAt(ADDRESS[family.name], path));
    await expectClosedToWorkload(family);
    const startedAt = Date.now();
    await lab.dig("secret.example.com", family.qtype);
    const [request] = await received(path);
    expect(request).toMatchObject({
      method: "POST",
      headers: { "content-type": "application/json", host: expect.stringContaining(String(PORT)) },
    });
    const body: unknown = JSON.parse(request?.body.toString() ?? "");
    expect(body).toEqual({
      hostname: "secret.example.com",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      source: "opensandbox-egress",
      sandboxId: "sbx-7",
    });
    expect(Math.abs((request?.atMs ?? 0) - startedAt)).toBeLessThan(WAIT_MS);
    await expectClosedToWorkload(family);
  });
});

test("a host is found at the upstream, past the policy that denies its name", async () => {
  await using sidecar = await startWith(`http://alias.example.net:${PORT}/by-name`);
  expect(await lab.dig("alias.example.net", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  const [request] = await received("/by-name");
  expect(request?.headers["host"]).toBe(`alias.example.net:${PORT}`);
  expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({ hostname: "alias.example.net" });
  for (const family of FAMILIES) {
    if (family.name === "IPv6" && !lab.ipv6) continue;
    await expectClosedToWorkload(family);
  }
  expect(await lab.dig("alias.example.net", "A")).toMatchObject({ rcode: "NXDOMAIN", addresses: [] });
  expect(sidecar.logs().some((line) => line["opensandbox.event"] === "egress.outbound")).toBe(false);
});

test("a name that leads to this namespace itself is not followed", async () => {
  await using sidecar = await startWith(`http://loopback.example.net:${PORT}/loop`);
  await lab.dig("secret.example.com", "A");
  const complaint = await until("the log tells of it", () =>
    sidecar.logs().find((line) => line["msg"] === "denials do not reach the webhook"),
  );
  expect(complaint).toMatchObject({ level: "warn", error: expect.stringContaining("no address") });
});

test("each denial is one POST, in their order, and a 503 is tried again", async () => {
  const path = "/503,200/retries";
  await using _fresh = await startReceiver(lab.internet, { port: PORT + 1 });
  await using _sidecar = await startWith(`http://${ADDRESS.IPv4}:${PORT + 1}${path}`);
  for (const name of ["a", "b", "c"]) await lab.dig(`${name}.example.com`, "A");
  await until("all have arrived", () => _fresh.requests().length >= 4);
  const names = _fresh.requests().map(({ body }) => JSON.parse(body.toString()).hostname);
  expect(names).toEqual(["a.example.com", "a.example.com", "b.example.com", "c.example.com"]);
  const [first, second] = _fresh.requests();
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(900);
});

test("the way lasts over changes of the policy and a restart", async () => {
  const path = "/changes";
  const url = urlAt(ADDRESS.IPv4, path);
  {
    await using sidecar = await startWith(url);
    await lab.dig("before.example.com", "A");
    await received(path, 1);
    for (const body of [{ defaultAction: "allow" }, { defaultAction: "deny" }]) {
      expect(await sidecar.api("POST", "/policy", { body })).toMatchObject({ status: 200 });
    }
    await lab.dig("after.example.com", "A");
    await received(path, 2);
  }
  await using _again = await startWith(url);
  await lab.dig("restarted.example.com", "A");
  const arrived = await received(path, 3);
  expect(arrived.map(({ body }) => JSON.parse(body.toString()).hostname)).toEqual([
    "before.example.com",
    "after.example.com",
    "restarted.example.com",
  ]);
});

test("what waits at SIGTERM is still sent, and proxy variables are not heeded", async () => {
  const path = "/last-words";
  const proxy = "http://198.51.100.99:3128";
  const sidecar = await startWith(urlAt(ADDRESS.IPv4, path), {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NODE_USE_ENV_PROXY: "1",
  });
  await lab.dig("last.example.com", "A");
  expect(await sidecar.kill("SIGTERM")).toMatchObject({ exitCode: 0 });
  expect(await received(path)).toHaveLength(1);
});

test("https is spoken, and a certificate that is not trusted is refused", async () => {
  const key = join(lab.stateFolder, "key.pem");
  const certificate = join(lab.stateFolder, "certificate.pem");
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hooks";
  const names = ["-addext", "subjectAltName=DNS:hooks.example.net"];
  const files = ["-keyout", key, "-out", certificate];
  await promisify(execFile)("openssl", [...request.split(" "), ...names, ...files]);
  await using tls = await startReceiver(lab.internet, { port: TLS_PORT, tls: { key, certificate } });
  const url = `https://hooks.example.net:${TLS_PORT}/tls`;
  {
    await using _sidecar = await startWith(url, { NODE_EXTRA_CA_CERTS: certificate });
    await lab.dig("secret.example.com", "A");
    await until("it arrives", () => tls.requests().length === 1);
  }
  await using sidecar = await startWith(url);
  await lab.dig("secret.example.com", "A");
  const complaint = await until("the log tells of it", () =>
    sidecar.logs().find((line) => line["msg"] === "denials do not reach the webhook"),
  );
  expect(complaint).toMatchObject({ error: expect.stringContaining("self-signed certificate") });
  expect(tls.requests()).toHaveLength(1);
});
