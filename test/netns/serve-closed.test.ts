/**
 * Starts with something wrong: everything is denied, the process stays, and `/healthz` says why where
 * OpenSandbox's server looks, in the status line's phrase.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { attackArgv, startAttack } from "../escape/attack.ts";
import type { Sidecar, SidecarOptions } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
beforeEach(async () => {
  await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
  await rm(join(lab.stateFolder, "policy.json"), { force: true });
});

const ALLOW_ONE = { egress: [{ action: "allow", target: "one.example.org" }] };

/** Starts it and waits until it answers, well or not. */
async function start(options: SidecarOptions): Promise<Sidecar> {
  const sidecar = await lab.startSidecar({ policy: ALLOW_ONE, ...options, awaitHealth: false });
  const answers = (): Promise<boolean> =>
    Promise.race([
      sidecar.api("GET", "/healthz").then(
        () => true,
        () => false,
      ),
      sidecar.exit.then((end) => Promise.reject(new Error(`${JSON.stringify(end)} ${sidecar.output()}`))),
    ]);
  await until("the sidecar answers", answers);
  return sidecar;
}

/** What OpenSandbox's server does and tells its user. */
const ASK_AS_THE_SERVER = `
import urllib.request
try:
    print(urllib.request.urlopen("http://192.0.2.2:18080/healthz", timeout=5).status)
except Exception as error:
    print(error)
    print(error.read().decode())
`;

async function askAsTheServer(): Promise<readonly string[]> {
  const { stdout, stderr } = await execIn(lab.internet, ["python3", "-c", ASK_AS_THE_SERVER]);
  return `${stdout}${stderr}`.trimEnd().split("\n");
}

const rules = (target: string): string => JSON.stringify({ egress: [{ action: "allow", target }] });

/** One rule of 256 ports, cut by 300 others. */
function manyElements(): string {
  const ports = Array.from({ length: 256 }, (_, at) => 2 * at + 1);
  const cuts = Array.from({ length: 300 }, (_, at) => ({ target: `10.0.${at >> 7}.${2 * (at & 127)}` }));
  return JSON.stringify({ egress: [...cuts, { action: "allow", target: "10.0.0.0/8", ports }] });
}

test.each<[string, Record<string, string>, RegExp]>([
  [
    "more intercepted ports than there may be",
    { OPENSANDBOX_EGRESS_MITMPROXY_EXTRA_PORTS: "1,2,3,4,5,6,7,8,9,10,11,12,13,14" },
    /^OPENSANDBOX_EGRESS_MITMPROXY_EXTRA_PORTS: makes more than 15 ports/,
  ],
  [
    "an upstream proxy, and nothing that has everything go by it",
    {
      OPENSANDBOX_EGRESS_UPSTREAM_PROXY: "http://proxy.example.org:3128",
      OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH: "Basic hunter2",
    },
    /^OPENSANDBOX_EGRESS_UPSTREAM_PROXY: needs OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT=true$/,
  ],
  [
    "an upstream proxy with credentials in its URL",
    {
      OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true",
      OPENSANDBOX_EGRESS_UPSTREAM_PROXY: "http://user:hunter2@proxy.example.org:3128",
    },
    /^OPENSANDBOX_EGRESS_UPSTREAM_PROXY: holds credentials, which belong into OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH/,
  ],
  [
    "an upstream proxy in the sandbox itself",
    {
      OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true",
      OPENSANDBOX_EGRESS_UPSTREAM_PROXY: "http://127.0.0.1:3128",
    },
    /^OPENSANDBOX_EGRESS_UPSTREAM_PROXY: is in the sandbox itself/,
  ],
  ["a profile", { OPENSANDBOX_EGRESS_PROFILE: "fast-sandbox" }, /^OPENSANDBOX_EGRESS_PROFILE: /],
  [
    "a target that can never match",
    { OPENSANDBOX_EGRESS_RULES: rules("https://example.org") },
    /^OPENSANDBOX_EGRESS_RULES: egress\[0\]\.target: /,
  ],
  [
    "a target in another script, and long",
    { OPENSANDBOX_EGRESS_RULES: rules(`пример ${"x".repeat(300)}`) },
    /^OPENSANDBOX_EGRESS_RULES: egress\[0\]\.target: /,
  ],
  [
    "more elements of addresses with ports than the kernel is given",
    { OPENSANDBOX_EGRESS_RULES: manyElements() },
    /^OPENSANDBOX_EGRESS_RULES: egress\[300\]\.ports: rules for addresses make more than 32768 elements/,
  ],
  [
    "a webhook without a scheme",
    { OPENSANDBOX_EGRESS_DENY_WEBHOOK: "hooks.example.org/x" },
    /^OPENSANDBOX_EGRESS_DENY_WEBHOOK: /,
  ],
  ["a relative path", { OPENSANDBOX_EGRESS_POLICY_FILE: "policy.json" }, /^OPENSANDBOX_EGRESS_POLICY_FILE: /],
  [
    "an OTLP endpoint without a scheme",
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" },
    /^OTEL_EXPORTER_OTLP_ENDPOINT: /,
  ],
  [
    "a log output that cannot be opened",
    { OPENSANDBOX_LOG_OUTPUT: "/proc/none/log" },
    /^OPENSANDBOX_LOG_OUTPUT: /,
  ],
  [
    "a policy file that is a folder",
    { OPENSANDBOX_EGRESS_POLICY_FILE: "/tmp" },
    /^policy file: \/tmp: .*folder/,
  ],
  [
    "a policy file that never ends",
    { OPENSANDBOX_EGRESS_POLICY_FILE: "/dev/zero" },
    /^policy file: .*a device/,
  ],
  ["a policy file that is full", { OPENSANDBOX_EGRESS_POLICY_FILE: "/dev/full" }, /^policy file: .*a device/],
])("%s: deny-all, and the server's user reads why", async (_case, env, phrase) => {
  await using sidecar = await start({ env });
  const [first = "", body = ""] = await askAsTheServer();
  const told = first.replace(/^HTTP Error 503: /, "");
  expect(first).toBe(`HTTP Error 503: ${told}`);
  expect(told).toMatch(phrase);
  expect(told).toMatch(/^[ -~]{1,200}$/);
  expect(body).toMatch(phrase);
  expect(first + body + sidecar.output()).not.toContain("hunter2");
  expect(sidecar.logs()).toContainEqual(
    expect.objectContaining({ level: "error", msg: expect.stringContaining(told.split("?")[0] ?? "") }),
  );
  expect(await lab.dig("one.example.org")).toMatchObject({ rcode: "NXDOMAIN" });
  for (const url of ["http://198.51.100.1/", ...(lab.ipv6 ? ["http://[2001:db8:100::1]/"] : [])]) {
    expect(await lab.curl(url)).toMatchObject({ exitCode: 7 });
  }
  expect(await sidecar.kill()).toEqual({ exitCode: 0, signal: undefined });
});

/** Text and status. */
async function askFromOutside(path: string): Promise<string> {
  const argv = ["-sS", "-w", " %{http_code}", "-H", "OPENSANDBOX-EGRESS-AUTH: s3cret"];
  return (await execIn(lab.internet, ["curl", ...argv, `http://192.0.2.2:18080${path}`])).stdout;
}

describe("while everything is denied", () => {
  const WRONG = { OPENSANDBOX_EGRESS_PROFILE: "fast-sandbox", OPENSANDBOX_EGRESS_MAX_RULES: "many" };

  test("the API shows it, changes are refused with the reason, and nothing is kept", async () => {
    await using sidecar = await start({ env: { ...WRONG, OPENSANDBOX_EGRESS_MODE: "dns" } });
    expect((await sidecar.api("GET", "/policy")).json()).toEqual({
      status: "ok",
      mode: "deny_all",
      enforcementMode: "dns+nft",
      policy: { egress: [], defaultAction: "deny" },
    });
    const reason = "OPENSANDBOX_EGRESS_PROFILE: is set, and profiles are not served";
    const rule = [{ action: "allow", target: "one.example.org" }];
    for (const [method, body] of [
      ["PATCH", rule],
      ["PUT", { egress: rule }],
      ["POST", ""],
      ["DELETE", ["one.example.org"]],
    ] as const) {
      expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 503, text: reason });
    }
    expect((await sidecar.api("GET", "/status")).json()).toMatchObject({ health: { ok: false, reason } });
    expect(await sidecar.api("GET", "/metrics")).toMatchObject({ status: 200 });
    expect(sidecar.logs().filter(({ msg }) => String(msg).startsWith("everything is denied: "))).toHaveLength(
      2,
    );
    expect(await sidecar.kill()).toEqual({ exitCode: 0, signal: undefined });
  });

  test("a token that cannot be read opens nothing: nobody knows it, and health and the unix socket answer", async () => {
    await using sidecar = await start({ env: { OPENSANDBOX_EGRESS_TOKEN: "s3cret " } });
    for (const path of ["/status", "/policy", "/metrics"])
      expect(await askFromOutside(path)).toMatch(/^unauthorized: .* 401$/);
    expect(await askFromOutside("/healthz")).toMatch(
      /^OPENSANDBOX_EGRESS_TOKEN: begins or ends with a blank.* 503$/,
    );
    expect(await sidecar.api("GET", "/status")).toMatchObject({ status: 200 });
  });

  test("what an earlier start allowed is denied, the rules stay, and a corrected restart allows it again", async () => {
    const url = "http://one.example.org/";
    const first = await lab.startSidecar({ policy: ALLOW_ONE });
    expect(await lab.curl(url)).toMatchObject({ status: 200 });
    await first.kill();

    const wrong = await start({ env: WRONG });
    expect(await lab.curl(url)).toMatchObject({ exitCode: 6 });
    expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ exitCode: 7 });
    await wrong.kill();
    expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ exitCode: 7 });

    await using _corrected = await lab.startSidecar({ policy: ALLOW_ONE });
    expect(await lab.curl(url)).toMatchObject({ status: 200 });
  });

  test("a caller whom the operator's rules deny is not let in, while the API's are", async () => {
    const [denied, port] = ["198.51.100.71", "4300"];
    const call = async (): Promise<string> =>
      (await execIn(lab.internet, attackArgv("callers", ["call", denied, "192.0.2.2", port]))).stdout;
    const folder = join(lab.stateFolder, "rules");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "deny.always"), `${denied}\n`);
    await using _server = await startAttack(lab, "callers", "serve", "192.0.2.2", port);
    const good = await start({});
    expect(await call()).toContain('{"what": "connect", "result": "timeout"}');
    await good.kill();
    const wrong = await start({ env: WRONG });
    expect(await call()).toContain('{"what": "connect", "result": "timeout"}');
    const health = ["-sS", "--interface", denied, "http://192.0.2.2:18080/healthz"];
    expect((await execIn(lab.internet, ["curl", ...health])).stdout).toMatch(/_PROFILE: /);
    await wrong.kill();
    await rm(folder, { recursive: true });
  });

  test("a rule file that cannot be read says its line; one that is a FIFO holds nobody up", async () => {
    const folder = join(lab.stateFolder, "rules");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "deny.always"), "203.0.113.99\n10.0.0.0/33\n");
    const wrong = await start({});
    expect((await wrong.api("GET", "/healthz")).text).toMatch(/rules\/deny\.always:2: /);
    await wrong.kill();
    await rm(join(folder, "deny.always"));
    await execIn(lab.sandbox, ["mkfifo", join(folder, "deny.always")]);
    const held = await start({});
    expect((await held.api("GET", "/healthz")).text).toMatch(/rules\/deny\.always: .*a FIFO/);
    await held.kill();
    await rm(folder, { recursive: true });
  });
});

test("what the original passes over is passed over, and told", async () => {
  const env = {
    OPENSANDBOX_EGRESS_LOG_LEVEL: "warning",
    OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "300",
    OPENSANDBOX_EGRESS_METRICS_EXTRA_ATTRS: "a=b,,c,k8s.pod/name=x",
    OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "",
    OPENSANDBOX_EGRESS_UPSTREAM_PROXY: "",
    OPENSANDBOX_EGRESS_NO_SUCH_THING: "hunter2",
    OPENSANDBOX_EGRESS_REDIRECT_BACKEND: "nft",
  };
  await using sidecar = await lab.startSidecar({ env, policy: ALLOW_ONE });
  const warnings = sidecar.logs().map(({ msg }) => String(msg));
  for (const told of [
    /_DNS_UPSTREAM_TIMEOUT is "300": 120 holds/,
    /_METRICS_EXTRA_ATTRS holds "c", which is left out/,
    /_METRICS_EXTRA_ATTRS holds "k8s\.pod\/name=x"/,
    /_NO_SUCH_THING is not known/,
    /_REDIRECT_BACKEND is not known/,
  ]) {
    expect(warnings.filter((line) => told.test(line))).toHaveLength(1);
  }
  expect(sidecar.output()).not.toContain("hunter2");
  expect(await askAsTheServer()).toEqual(["200"]);
});
