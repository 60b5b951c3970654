/**
 * The real program behind a proxy that is away or does not lead there: nothing goes another way, whatever was
 * open before, and it is told why.
 */
import { describe, expect, test } from "vitest";
import { API, DENIED, HERE, KEPT, OTHER } from "../support/bound-hosts.ts";
import { INTERNET_V4 } from "../support/lab.ts";
import {
  AUTH,
  FALSE_NAME,
  FIRST_PORT,
  INSIDE_NAME,
  NAMELESS,
  PASSWORD,
  PLAIN_PORT,
  PROXIED_POLICY,
  PROXY_NAME,
  TLS_PORT,
  useProxiedHosts,
  V4_PROXY,
} from "../support/proxied-hosts.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const { on, start, startProxy, stopProxy, asked, straysDuring } = useProxiedHosts();
const { lab } = on;

const told = (sidecar: Sidecar): readonly unknown[] =>
  sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.upstream_proxy");

describe("a proxy that does not lead there: nothing goes another way, and it is told", () => {
  test("away, it is told to a bound host's client and in the log; back again, all goes on", async () => {
    await using sidecar = await start(V4_PROXY);
    await on.bind(sidecar, [API]);
    const bundle = on.bundle(sidecar);
    await stopProxy();
    const strays = await straysDuring(async () => {
      const { stdout } = await lab.asWorkload(["curl", "-s", "-i", "--cacert", bundle, `https://${API}/`]);
      expect(stdout).toMatch(/ 502 /);
      expect(stdout).toMatch(/the upstream proxy does not lead to api\.example\.org:443: /);
      expect((await on.ask(`https://${OTHER}/`, "-k")).code).toBe(35);
      expect((await lab.curl(`http://${NAMELESS}/`)).exitCode).not.toBe(0);
    });
    expect(strays).toEqual([]);
    expect(told(sidecar)).toEqual([
      expect.objectContaining({ level: "warn", proxy: `${INTERNET_V4}:${PLAIN_PORT}` }),
    ]);
    await startProxy();
    expect((await on.ask(`https://${API}/`, "--cacert", bundle)).code).toBe(0);
    await until("it is told", () => told(sidecar).length === 2);
  });

  test.each([
    [
      "wants other credentials",
      `http://${INTERNET_V4}:${PLAIN_PORT}`,
      { OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH: "Basic dTpw" },
      /other credentials \(40[17]\)/,
    ],
    [
      "has a name that leads into the sandbox",
      `http://${INSIDE_NAME}:${PLAIN_PORT}`,
      {},
      /inside\.example\.net leads into the sandbox itself/,
    ],
    [
      "cannot prove its name",
      `https://${FALSE_NAME}:${TLS_PORT}`,
      {},
      /no TLS handshake with it: .*altnames/,
    ],
    [
      "is signed by nobody known",
      `https://${PROXY_NAME}:${TLS_PORT}`,
      { OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA: "" },
      /no TLS handshake with it: /,
    ],
    ["speaks no TLS", `https://${NAMELESS}:${FIRST_PORT}`, {}, /no TLS handshake with it: /],
    ["is another service", `http://${NAMELESS}:${FIRST_PORT}`, {}, /does not answer as a proxy does/],
    ["has no address", "http://nowhere.example.net:3128", {}, /nowhere\.example\.net has no address/],
  ])("one that %s", async (_what, url, env, reason) => {
    await using sidecar = await start(url, env);
    const strays = await straysDuring(async () => {
      expect((await on.ask(`https://${OTHER}/`, "-4", "-k")).code).toBe(35);
    });
    expect(strays.filter(({ destinationPort }) => destinationPort !== FIRST_PORT)).toEqual([]);
    await until("it is told", () => told(sidecar).length === 1);
    expect(told(sidecar)).toEqual([expect.objectContaining({ reason: expect.stringMatching(reason) })]);
    const metrics = (await sidecar.api("GET", "/metrics")).text;
    expect(metrics).toMatch(/^egress_upstream_proxy_connections_total\{.*outcome="failed".*\} [1-9]/m);
  });

  test("its credentials are in nothing that is told", async () => {
    await using sidecar = await start(V4_PROXY, {
      OPENSANDBOX_EGRESS_LOG_LEVEL: "debug",
    });
    await on.ask(`https://${OTHER}/`, "-k");
    await on.ask(`https://${OTHER}:9/`, "-k");
    const texts = await Promise.all(
      ["/status", "/metrics", "/decisions", "/policy", "/healthz"].map(
        async (path) => (await sidecar.api("GET", path)).text,
      ),
    );
    const all = [sidecar.output(), ...texts].join("\n");
    expect(all).toContain("egress.upstream_proxy.connections_total");
    for (const secret of [PASSWORD, AUTH, AUTH.slice(6)]) expect(all).not.toContain(secret);
  });
});

describe("the kernel knows no other way", () => {
  test("a connection that was open before the proxy was set is reset", async () => {
    const before = await on.start({ OPENSANDBOX_EGRESS_RULES: JSON.stringify(PROXIED_POLICY) });
    const client = lab.startAsWorkload(["python3", "-c", KEPT, on.rootFile()]);
    const said: string[] = [];
    client.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    await until("it is open", () => said.join("").includes("open"));
    await before.kill();
    await using _after = await start(V4_PROXY);
    const strays = await straysDuring(async () => {
      client.stdin.write("\n");
      await until("it ends", () => client.hasEnded());
    });
    expect(said.join("")).not.toContain("answered");
    expect(strays).toEqual([]);
  });

  test("while the sidecar is dead nothing leaves, and the next one takes over", async () => {
    const url = V4_PROXY;
    const sidecar = await start(url);
    expect((await on.ask(`https://${OTHER}/`, "--cacert", on.rootFile())).code).toBe(0);
    await sidecar.kill("SIGKILL");
    const strays = await straysDuring(async () => {
      const resolved = ["--resolve", `${OTHER}:443:${HERE[0]}`];
      expect((await on.ask(`https://${OTHER}/`, "-4", "-k", ...resolved)).code).toBe(7);
      expect((await lab.curl(`http://${NAMELESS}/`)).exitCode).toBe(7);
    });
    expect(strays).toEqual([]);
    await using _next = await start(url);
    expect((await on.ask(`https://${OTHER}/`, "--cacert", on.rootFile())).code).toBe(0);
  });

  test("a rule that denies the address, and one that takes the name away, end what is open", async () => {
    await using sidecar = await start(V4_PROXY);
    for (const targets of [HERE, [API]]) {
      const client = lab.startAsWorkload(["python3", "-c", KEPT, on.rootFile()]);
      const said: string[] = [];
      client.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
      await until("it is open", () => said.join("").includes("open"));
      const body = targets.map((target) => ({ action: "deny", target }));
      expect((await sidecar.api("PATCH", "/policy", { body })).status).toBe(200);
      client.stdin.write("\n");
      await until("it ends", () => client.hasEnded());
      expect(said.join("")).not.toContain("answered");
      await sidecar.api("DELETE", "/policy", { body: targets });
      await sidecar.api("PATCH", "/policy", { body: [{ action: "allow", target: API }] });
    }
  });

  test("the sandbox cannot reach the proxy by itself", async () => {
    await using _sidecar = await start(V4_PROXY);
    expect((await on.ask(`https://${OTHER}/`, "--cacert", on.rootFile())).code).toBe(0);
    const before = asked().length;
    const straight = ["-p", "-x", `http://user:${PASSWORD}@${INTERNET_V4}:${PLAIN_PORT}`];
    expect((await on.ask(`https://${DENIED}/`, "-k", ...straight)).code).toBe(7);
    expect(asked().slice(before)).toEqual([]);
  });
});
