/**
 * HTTP: who may read and who may write, by the address that they call from, the token, and the unix socket.
 */
import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { createEgressClient } from "../../src/client/client.ts";
import { callApi } from "../api/api-server.ts";
import { createLab, type Lab, SANDBOX_V4, SANDBOX_V6 } from "../support/lab.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import { MAIN } from "../support/tested-program.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { skipBecause } from "../support/skip.ts";

const RULES = '[{"action":"allow","target":"a.example"}]';
const TOKEN = "s3cret";

interface Call {
  readonly from: "outside" | "workload";
  readonly to: string;
  readonly method: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Relays end with the lab's namespaces. */
const relays = new WeakMap<Lab, Map<string, Relay>>();

async function callAs(lab: Lab, { from, to, ...call }: Call) {
  const known = relays.get(lab) ?? new Map<string, Relay>();
  relays.set(lab, known);
  const relay = known.get(`${from} ${to}`) ?? (await startRelay(lab, { from, to }));
  known.set(`${from} ${to}`, relay);
  return callApi({ socketPath: relay.socketPath, path: "/policy", ...call });
}

const PLACES = [
  { from: "outside", to: SANDBOX_V4, mayWrite: true },
  { from: "outside", to: SANDBOX_V6, mayWrite: true },
  { from: "workload", to: "127.0.0.1", mayWrite: false },
  { from: "workload", to: "127.8.9.10", mayWrite: false },
  { from: "workload", to: "::1", mayWrite: false },
  { from: "workload", to: SANDBOX_V4, mayWrite: false },
  { from: "workload", to: SANDBOX_V6, mayWrite: false },
] as const;

describe("with a token", () => {
  test("it lets in from every address, and nothing else is told without it", async (context) => {
    await using lab = await createLab();
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_TOKEN: TOKEN } });
    for (const place of PLACES) {
      for (const method of ["GET", "PATCH", "OPTIONS"]) {
        const stranger = await callAs(lab, { ...place, method, body: "not even JSON" });
        expect(stranger).toMatchObject({ status: 401, text: expect.stringMatching(/^unauthorized/) });
        expect(stranger.headers.etag).toBeUndefined();
      }
      const headers = { "OpenSandbox-Egress-Auth": TOKEN };
      expect(await callAs(lab, { ...place, method: "PATCH", body: RULES, headers })).toMatchObject({
        status: 200,
      });
    }
  });

  test("a signed change of the workload's own proxy is let in, and its copy is not", async () => {
    await using lab = await createLab();
    await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_TOKEN: TOKEN } });
    await using relay = await startRelay(lab, { from: "workload", to: "127.0.0.1" });
    const port = await relay.openPort();
    const client = createEgressClient({ endpoint: { url: `http://127.0.0.1:${port}` }, token: TOKEN });
    const { etag } = await client.patchRules([{ action: "allow", target: "a.example" }]);
    expect(await client.getPolicy()).toMatchObject({ etag, mode: "enforcing" });
  });
});

describe("without a token", () => {
  test("who calls from the sandbox's own addresses reads only; others write; the start warns of that", async (context) => {
    await using lab = await createLab();
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    const sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_TOKEN: undefined } });
    expect(sidecar.output()).toMatch(/no OPENSANDBOX_EGRESS_TOKEN is set/);
    for (const { mayWrite, ...place } of PLACES) {
      expect(await callAs(lab, { ...place, method: "GET" })).toMatchObject({ status: 200 });
      const write = await callAs(lab, { ...place, method: "PATCH", body: RULES });
      expect({ ...place, status: write.status }).toEqual({ ...place, status: mayWrite ? 200 : 403 });
      if (mayWrite) continue;
      for (const remedy of [
        "OPENSANDBOX_EGRESS_TOKEN",
        "unix socket",
        "OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES=true",
      ]) {
        expect(write.text).toContain(remedy);
      }
    }
    const vault = { method: "POST", path: "/credential-vault", socketPath: sidecar.socketPath };
    expect(await callApi(vault)).toMatchObject({
      status: 412,
      text: "credential vault requires transparent mitmproxy",
    });
  });

  test("local writes are let in where the setting says so", async () => {
    await using lab = await createLab({ ipv6: false });
    const env = { OPENSANDBOX_EGRESS_TOKEN: undefined, OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES: "true" };
    const sidecar = await lab.startSidecar({ env });
    const place = { from: "workload", to: "127.0.0.1" } as const;
    expect(await callAs(lab, { ...place, method: "PATCH", body: RULES })).toMatchObject({ status: 200 });
    expect(sidecar.output()).not.toMatch(/no OPENSANDBOX_EGRESS_TOKEN is set/);
  });
});

describe("the unix socket", () => {
  test("is for its owner alone, and asks for no token", async () => {
    await using lab = await createLab({ ipv6: false });
    const sidecar = await lab.startSidecar();
    expect((await stat(sidecar.socketPath)).mode & 0o777).toBe(0o600);
    const { socketPath } = sidecar;
    const write = { socketPath, method: "PATCH", path: "/policy", body: RULES };
    expect(await callApi(write)).toMatchObject({ status: 200 });
  });

  test("carries the operator's command, which needs nothing but the sidecar's own environment", async () => {
    await using lab = await createLab({ ipv6: false });
    const sidecar = await lab.startSidecar();
    const egress = (...args: string[]) =>
      execIn(lab.sandbox, withOwnPlaces([process.execPath, MAIN, "policy", ...args]), {
        env: { PATH: process.env["PATH"], OPENSANDBOX_EGRESS_SOCKET: sidecar.socketPath },
      });
    expect(await egress("patch", "--allow", "one.example.org")).toMatchObject({
      exitCode: 0,
      stdout: "the policy is enforcing (dns+nft)\n",
      stderr: "",
    });
    expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
    expect((await egress("get")).stdout).toContain("\n  allow one.example.org\n");
    expect(await egress("delete", "one.example.org", "--if-match", '"old"')).toMatchObject({ exitCode: 75 });
    await egress("reset");
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  });
});

test("where IPv6 is switched off, the API listens on IPv4 and says nothing of it", async () => {
  await using lab = await createLab({ ipv6: false });
  const sidecar = await lab.startSidecar();
  const headers = { "OPENSANDBOX-EGRESS-AUTH": sidecar.token };
  const place = { from: "outside", to: SANDBOX_V4 } as const;
  expect(await callAs(lab, { ...place, method: "GET", headers })).toMatchObject({ status: 200 });
  expect(sidecar.output()).not.toMatch(/IPv6|EAFNOSUPPORT|EADDRNOTAVAIL/);
});
