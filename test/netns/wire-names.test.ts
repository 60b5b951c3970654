/**
 * The sidecar as it is by default: connections to the addresses of names, judged by the name that they show.
 */
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CommandResult, requireCommand } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { type NamedSites, startNamedSites } from "../support/named-sites.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const TALKER = fileURLToPath(new URL("../netfilter/talking-child.ts", import.meta.url));
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [ONE, TWO, EVIL] = ["one.shared.example.org", "two.shared.example.org", "evil.shared.example.org"];
const POLICY = {
  egress: [
    { action: "allow", target: ONE },
    { action: "allow", target: TWO },
  ],
};
/** curl: the connection was reset, while TLS began or later. */
const RESET = [35, 56];

const lab = useLab({
  zone: { [ONE]: SHARED, [TWO]: SHARED, [EVIL]: SHARED },
  upstream: { ttlSeconds: 300 },
});
let sites: NamedSites;
let sidecar: Sidecar;
beforeAll(async () => {
  sites = await startNamedSites(lab);
  sidecar = await lab.startSidecar({ policy: POLICY });
});
afterAll(() => sites[Symbol.asyncDispose]());

async function expectTalking(talking: JsonServer, what: string): Promise<void> {
  const before = talking.lines.length;
  await until(what, () => talking.lines.length > before + 3);
  expect(talking.lines.filter(({ event }) => event === "ended")).toEqual([]);
}
const repairs = (): number =>
  sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.ruleset_repaired").length;
/** Of curl: the name's address, whatever lookups say. */
const placed = (name: string, port: number, at: string): readonly string[] => [
  "--resolve",
  `${name}:${port}:${bracketed(at)}`,
];
const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const shared = family.name === "IPv4" ? "198.51.100.50" : "2001:db8:100::50";

  /** As the workload; `https` on port 443, `http` on 8090. `at` is the address, whatever lookups say. */
  async function curl(scheme: "http" | "https", name: string, at?: string): Promise<CommandResult> {
    const port = scheme === "https" ? 443 : 8090;
    const options = at === undefined ? [family.flag] : placed(name, port, at);
    return lab.asWorkload(["curl", "-sk", ...options, `${scheme}://${name}:${port}/`]);
  }
  async function talk(name: string): Promise<JsonServer> {
    return startJsonServer(lab.sandbox, workloadArgv([process.execPath, TALKER, shared, name]));
  }

  test("allowed names are reached at their address, and no other site there", async () => {
    const shown = await sites.shownDuring(async () => {
      for (const scheme of ["https", "http"] as const) {
        for (const name of [ONE, TWO]) expect(await curl(scheme, name)).toMatchObject({ stdout: "hello" });
        expect(RESET).toContain((await curl(scheme, EVIL, shared)).exitCode);
      }
    });
    expect(shown).toEqual([ONE, TWO, `${ONE}:8090`, `${TWO}:8090`]);
  });

  test("who asks for HTTP/2 by an upgrade, as Java's client does, is answered in HTTP/1", async () => {
    const options = [family.flag, "--http2", "-w", " by %{http_version}"];
    const asked = await lab.asWorkload(["curl", "-s", ...options, `http://${ONE}:8090/`]);
    expect(asked).toMatchObject({ exitCode: 0, stdout: "hello by 1.1" });
  });

  test("a refusal is told with the name, the address, whose it is, and the change that would allow it", async () => {
    await curl("https", ONE);
    const before = sidecar.logs().length;
    expect(RESET).toContain((await curl("https", EVIL, shared)).exitCode);
    const line = await until("it is told", () =>
      sidecar
        .logs()
        .slice(before)
        .find(({ reason }) => reason === "shown-name"),
    );
    expect(line).toMatchObject({
      "opensandbox.event": "egress.denied",
      "target.host": EVIL,
      "target.ips": [shared],
      "target.port": 443,
      "network.transport": "tcp",
      layer: "default",
      "reason.detail": "a denied name",
      "address.names": expect.arrayContaining([ONE]),
      patch: [{ action: "allow", target: EVIL }],
    });
    const metrics = (await sidecar.api("GET", "/metrics")).text;
    expect(metrics).toMatch(/^egress_names_refused_total\S* [1-9]/m);
    expect(metrics).toMatch(/^egress_names_drops_total\S* \d/m);
    await sidecar.api("PATCH", "/policy", { body: line["patch"] });
    expect(await curl("https", EVIL, shared)).toMatchObject({ stdout: "hello" });
    await sidecar.api("POST", "/policy", { body: POLICY });
  });

  test("the far end of a connection that is refused hears of it", async () => {
    await curl("https", ONE);
    for (const [scheme, port] of [
      ["https", 443],
      ["http", 8090],
    ] as const) {
      const before = sites.lines.length;
      expect(RESET).toContain((await curl(scheme, EVIL, shared)).exitCode);
      const broken = await until("it is told", () =>
        sites.lines.slice(before).find(({ event, at }) => event === "broken" && at === port),
      );
      expect(broken["message"]).toContain("ECONNRESET");
    }
  });

  test("a change that denies one of two names at an address ends its connections, and no others", async () => {
    for (const name of [ONE, TWO]) await curl("https", name);
    await using kept = await talk(ONE);
    await using denied = await talk(TWO);
    const download = lab.startAsWorkload([
      "curl",
      "-sN",
      ...placed(TWO, 8090, shared),
      `http://${TWO}:8090/slow`,
    ]);
    const asked = sites.lines.length;
    await until("the download begins", () =>
      sites.lines.slice(asked - 1).some(({ name }) => name === `${TWO}:8090`),
    );
    for (const talking of [kept, denied]) await expectTalking(talking, "it talks");
    const change = await sidecar.api("PATCH", "/policy", { body: [{ action: "deny", target: TWO }] });
    expect(change.status).toBe(200);
    await until("its connection has ended", () => denied.lines.some(({ event }) => event === "ended"));
    expect(RESET).toContain((await download.end).exitCode);
    expect(RESET).toContain((await curl("https", TWO, shared)).exitCode);
    await expectTalking(kept, "the other one goes on");
    expect(await curl("https", ONE, shared)).toMatchObject({ stdout: "hello" });
    await sidecar.api("POST", "/policy", { body: POLICY });
    expect(await curl("https", TWO)).toMatchObject({ stdout: "hello" });
  });

  describe("two names at one address, each at a port of its own", () => {
    const [tls, web] = [443, 8090];
    const scoped = {
      egress: [
        { action: "allow", target: ONE, ports: [tls] },
        { action: "allow", target: TWO, ports: [web] },
      ],
    };
    beforeEach(async () => {
      await sidecar.api("POST", "/policy", { body: scoped });
      for (const name of [ONE, TWO]) await lab.dig(name, family.qtype);
    });
    afterEach(() => sidecar.api("POST", "/policy", { body: POLICY }));

    test("each is reached at its own port, and at the other's only once that is allowed, too", async () => {
      const shown = await sites.shownDuring(async () => {
        expect(await curl("https", ONE, shared)).toMatchObject({ stdout: "hello" });
        expect(await curl("http", TWO, shared)).toMatchObject({ stdout: "hello" });
        expect(RESET).toContain((await curl("https", TWO, shared)).exitCode);
        expect(RESET).toContain((await curl("http", ONE, shared)).exitCode);
      });
      expect(shown).toEqual([ONE, `${TWO}:${web}`]);
      const told = await until("it is told", () =>
        sidecar
          .logs()
          .findLast((line) => line["target.host"] === ONE && line["target.port"] === web && line["patch"]),
      );
      expect(told).toMatchObject({
        reason: "shown-name",
        patch: [{ action: "allow", target: ONE, ports: [web], protocol: "tcp" }],
      });
      await sidecar.api("PATCH", "/policy", { body: told["patch"] });
      for (const scheme of ["http", "https"] as const)
        expect(await curl(scheme, ONE, shared)).toMatchObject({ stdout: "hello" });
    });

    test("a change that denies a name its port ends what it has there, also where it is allowed elsewhere", async () => {
      const download = (name: string) =>
        lab.startAsWorkload(["curl", "-sN", ...placed(name, web, shared), `http://${name}:${web}/slow`]);
      await sidecar.api("PATCH", "/policy", { body: [{ action: "allow", target: ONE, ports: [tls, web] }] });
      const asked = sites.lines.length;
      const [one, two] = [download(ONE), download(TWO)];
      for (const name of [ONE, TWO])
        await until("the download begins", () =>
          sites.lines.slice(asked).some((line) => line["name"] === `${name}:${web}`),
        );
      await sidecar.api("POST", "/policy", { body: scoped });
      expect(RESET).toContain((await one.end).exitCode);
      let octets = 0;
      two.stdout.on("data", (piece: Buffer) => {
        octets += piece.length;
      });
      await until("the other one goes on", () => octets > 3);
      expect(two.hasEnded()).toBe(false);
    });
  });

  test("a verified connection outlives SIGKILL, the next start and a change", async () => {
    await curl("https", ONE);
    await using kept = await talk(ONE);
    await expectTalking(kept, "it talks");
    await sidecar.kill("SIGKILL");
    await expectTalking(kept, "it goes on without a sidecar");
    sidecar = await lab.startSidecar({ policy: POLICY });
    await expectTalking(kept, "it goes on with the next one");
    await sidecar.api("PATCH", "/policy", { body: [{ action: "allow", target: "other.example.org" }] });
    await expectTalking(kept, "it goes on under another policy");
    expect(RESET).toContain((await curl("https", EVIL, shared)).exitCode);
  });

  test("what a connection has shown is known after SIGKILL and the next start, too", async () => {
    for (const name of [ONE, TWO]) await curl("https", name);
    await using kept = await talk(ONE);
    await using denied = await talk(TWO);
    for (const talking of [kept, denied]) await expectTalking(talking, "it talks");
    await sidecar.kill("SIGKILL");
    sidecar = await lab.startSidecar({ policy: POLICY });
    for (const talking of [kept, denied]) await expectTalking(talking, "it goes on");
    const change = await sidecar.api("PATCH", "/policy", { body: [{ action: "deny", target: TWO }] });
    expect(change.status).toBe(200);
    await until("its connection has ended", () => denied.lines.some(({ event }) => event === "ended"));
    await expectTalking(kept, "the other one goes on");
    await sidecar.api("POST", "/policy", { body: POLICY });
  });

  test("rules that somebody else has taken away are back, and what fills the chains is known to be ours", async () => {
    const before = repairs();
    await curl("https", ONE);
    for (const script of ["flush chain inet opensandbox ask", "delete table inet opensandbox"]) {
      const earlier = repairs();
      await requireCommand(argvIn(lab.sandbox, ["nft", script]));
      await until("they are back", () => repairs() > earlier);
      expect(await curl("https", ONE, shared)).toMatchObject({ stdout: "hello" });
      expect(RESET).toContain((await curl("https", EVIL, shared)).exitCode);
    }
    expect(repairs()).toBe(before + 2);
  });
});
