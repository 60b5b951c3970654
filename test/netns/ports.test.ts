/**
 * Rules with ports and protocols, by curl, dig and Python over both families: what they open, refuse, cut and
 * leave alone.
 */
import { fileURLToPath } from "node:url";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { startDownload } from "../support/download.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { promised } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

// The web server has ports 80 and 8080, an echo of datagrams port 7. No address runs out within a test.
const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar();
});

async function change(method: string, body: unknown): Promise<void> {
  const answer = await sidecar.api(method, "/policy", { body });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
}

async function policyIs(...egress: readonly object[]): Promise<void> {
  await change("PUT", { egress });
}

const REFUSED = { exitCode: 7 };
const SERVED = { status: 200 };
const ONE = "one.example.org";

/** The sidecar's own probes are none. */
const questionsOfOne = (): number =>
  lab.upstream.questions().filter(({ qname }) => qname.toLowerCase() === ONE).length;

async function listing(): Promise<string> {
  return (await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"])).stdout;
}

async function tryAll(
  attempts: readonly (readonly ["udp" | "tcp", string, number])[],
): Promise<readonly string[]> {
  const script = fileURLToPath(new URL("../support/clients/try_many.py", import.meta.url));
  const { stdout, stderr } = await lab.asWorkload(["python3", script, JSON.stringify(attempts)]);
  if (stdout === "") throw new Error(stderr);
  const endings = z.array(z.string()).parse(JSON.parse(stdout));
  return endings.map((ending) => (["EPERM", "ECONNREFUSED"].includes(ending) ? "refused" : ending));
}

function web(family: Family, name: string, port: number) {
  return lab.curl(family.flag, `http://${name}:${port}/`);
}

/** At the address that a lookup before has opened. */
function webAgain(name: string, address: string, port: number) {
  return lab.curl(...urlAt(address, `http://${name}:${port}/`));
}

function webAt(address: string, port: number, path = "/"): string {
  return urlOf(address, path).replace(/(?<=\/\/(?:\[[^\]]*\]|[^/[]*))\//, `:${port}/`);
}

async function ping(address: string): Promise<string> {
  const script = fileURLToPath(new URL("../support/clients/ping.py", import.meta.url));
  const { stdout, stderr } = await lab.asWorkload(["python3", script, address]);
  if (stdout === "") throw new Error(stderr);
  return stdout.trim();
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("a name with a port is open on that port alone (attack 38)", async () => {
    await policyIs({ action: "allow", target: ONE, ports: [80] });
    expect(await web(family, ONE, 80)).toMatchObject(SERVED);
    expect(await web(family, ONE, 8080)).toMatchObject(REFUSED);
    expect(await webAgain(ONE, family.one, 80)).toMatchObject(SERVED);
    expect(await webAgain(ONE, family.one, 8080)).toMatchObject(REFUSED);
    expect(await tryAll([["tcp", family.one, 25]])).toEqual(["refused"]);
    expect(await ping(family.one)).toBe("EPERM");
  });

  test("a range of ports opens its ends and nothing beside them", async () => {
    await policyIs({ action: "allow", target: ONE, ports: ["81-8079", 8081], protocol: "tcp" });
    expect(await web(family, ONE, 80)).toMatchObject(REFUSED);
    expect(await web(family, ONE, 8080)).toMatchObject(REFUSED);
    await policyIs({ action: "allow", target: ONE, ports: ["80-8080"] });
    expect(await web(family, ONE, 80)).toMatchObject(SERVED);
    expect(await web(family, ONE, 8080)).toMatchObject(SERVED);
  });

  test("a rule for UDP opens no TCP, and one for TCP no UDP (attack 42)", async () => {
    await policyIs({ action: "allow", target: ONE, ports: [7, 80], protocol: "udp" });
    await lab.dig(ONE, family.qtype);
    expect(await tryAll([["udp", family.one, 7]])).toEqual(["passes"]);
    expect(await web(family, ONE, 80)).toMatchObject(REFUSED);
    await policyIs({ action: "allow", target: ONE, ports: [7, 80] });
    expect(await web(family, ONE, 80)).toMatchObject(SERVED);
    expect(await tryAll([["udp", family.one, 7]])).toEqual(["refused"]);
  });

  test("a rule for ICMP opens pings and nothing else", async () => {
    await policyIs({ action: "allow", target: ONE, protocol: "icmp" });
    await lab.dig(ONE, family.qtype);
    expect(await ping(family.one)).toBe("answered");
    expect(await web(family, ONE, 80)).toMatchObject(REFUSED);
    expect(await tryAll([["udp", family.one, 7]])).toEqual(["refused"]);
  });

  test("a name that is denied for one port is open on all others", async () => {
    await policyIs({ action: "deny", target: ONE, ports: [8080] }, { action: "allow", target: ONE });
    expect(await web(family, ONE, 80)).toMatchObject(SERVED);
    expect(await web(family, ONE, 8080)).toMatchObject(REFUSED);
    expect(
      await tryAll([
        ["udp", family.one, 7],
        ["udp", family.one, 8080],
      ]),
    ).toEqual(["passes", "refused"]);
    expect(await ping(family.one)).toBe("answered");
  });

  test("the same holds where the default action allows", async () => {
    await change("PUT", { defaultAction: "allow", egress: [{ action: "deny", target: ONE, ports: [8080] }] });
    expect(await web(family, ONE, 80)).toMatchObject(SERVED);
    expect(await web(family, ONE, 8080)).toMatchObject(REFUSED);
    expect(await web(family, "two.example.org", 8080)).toMatchObject(SERVED);
  });

  test("two names on one address have their own ports, and each takes its own with it", async () => {
    await policyIs(
      { action: "allow", target: "a.wild.example.org", ports: [80] },
      { action: "allow", target: "b.wild.example.org", ports: [8080] },
    );
    expect(await web(family, "a.wild.example.org", 80)).toMatchObject(SERVED);
    expect(await web(family, "a.wild.example.org", 8080)).toMatchObject(REFUSED);
    expect(await web(family, "b.wild.example.org", 8080)).toMatchObject(SERVED);
    await change("DELETE", ["a.wild.example.org"]);
    expect(await webAgain("a.wild.example.org", family.wild, 80)).toMatchObject(REFUSED);
    expect(await webAgain("b.wild.example.org", family.wild, 8080)).toMatchObject(SERVED);
  });

  test("an address with a port, and one that is denied but for a port", async () => {
    await policyIs(
      { action: "allow", target: family.nameless, ports: [80] },
      { action: "allow", target: family.two, ports: [8080] },
      { action: "deny", target: family.two },
      { action: "allow", target: "two.example.org" },
    );
    expect(await lab.curl(webAt(family.nameless, 80))).toMatchObject(SERVED);
    expect(await lab.curl(webAt(family.nameless, 8080))).toMatchObject(REFUSED);
    expect(await web(family, "two.example.org", 8080)).toMatchObject(SERVED);
    expect(await web(family, "two.example.org", 80)).toMatchObject(REFUSED);
  });

  test("first match holds between rules with and without ports", async () => {
    const prefix = family.name === "IPv4" ? "198.51.100.0/24" : "2001:db8:100::/64";
    const whole = { action: "allow", target: prefix };
    const closed = { action: "deny", target: family.one, ports: [80] };
    await policyIs(closed, whole);
    expect(await lab.curl(webAt(family.one, 80))).toMatchObject(REFUSED);
    expect(await lab.curl(webAt(family.one, 8080))).toMatchObject(SERVED);
    expect(await lab.curl(webAt(family.two, 80))).toMatchObject(SERVED);
    await policyIs(whole, closed);
    expect(await lab.curl(webAt(family.one, 80))).toMatchObject(SERVED);
  });

  test("ports without a target speak of every destination, names among them", async () => {
    await policyIs(
      { action: "allow", target: "two.example.org" },
      { action: "deny", ports: [8080] },
      { action: "allow", ports: [80] },
    );
    expect(await web(family, ONE, 80)).toMatchObject(SERVED);
    expect(await web(family, ONE, 8080)).toMatchObject(REFUSED);
    expect(await web(family, "two.example.org", 8080)).toMatchObject(REFUSED);
    expect(await lab.curl(webAt(family.nameless, 80))).toMatchObject(SERVED);
    expect(await lab.curl(webAt(family.nameless, 8080))).toMatchObject(REFUSED);
  });

  test("a change that takes a port away cuts its flows, and leaves those of another port alone", async () => {
    await policyIs({ action: "allow", target: ONE, ports: [80, 8080] });
    const kept = await startDownload(lab, `http://${ONE}:80/slow`, family.flag);
    const cut = await startDownload(lab, `http://${ONE}:8080/slow`, family.flag);
    await change("PUT", { egress: [{ action: "allow", target: ONE, ports: [80] }] });
    await until("the download has ended", () => cut.hasEnded(), promised(1_000));
    expect((await cut.end).exitCode).toBe(56);
    const before = kept.octets();
    await until("the other goes on", () => kept.octets() > before + 4_096);
    expect(kept.hasEnded()).toBe(false);
    await kept.stop();
  });

  test("a rule without ports becomes one with: its address needs no new lookup, and the other ports close", async () => {
    await policyIs({ action: "allow", target: ONE });
    const kept = await startDownload(lab, `http://${ONE}:80/slow`, family.flag);
    const cut = await startDownload(lab, `http://${ONE}:8080/slow`, family.flag);
    const asked = questionsOfOne();
    await change("PUT", { egress: [{ action: "allow", target: ONE, ports: [80] }] });
    await until("the download has ended", () => cut.hasEnded(), promised(1_000));
    expect(await webAgain(ONE, family.one, 80)).toMatchObject(SERVED);
    expect(await webAgain(ONE, family.one, 8080)).toMatchObject(REFUSED);
    await change("PUT", { egress: [{ action: "allow", target: ONE }] });
    expect(await webAgain(ONE, family.one, 8080)).toMatchObject(SERVED);
    expect(questionsOfOne()).toBe(asked);
    expect(kept.hasEnded()).toBe(false);
    await kept.stop();
  });

  test("a restarted sidecar takes the address over with its ports", async () => {
    await policyIs({ action: "allow", target: ONE, ports: [80] });
    const kept = await startDownload(lab, `http://${ONE}:80/slow`, family.flag);
    await sidecar.kill("SIGKILL");
    expect(await webAgain(ONE, family.one, 8080)).toMatchObject(REFUSED);
    sidecar = await lab.startSidecar();
    const asked = questionsOfOne();
    expect(await webAgain(ONE, family.one, 80)).toMatchObject(SERVED);
    expect(await webAgain(ONE, family.one, 8080)).toMatchObject(REFUSED);
    expect(questionsOfOne()).toBe(asked);
    expect(kept.hasEnded()).toBe(false);
    await kept.stop();
    await change("PUT", { egress: [] });
    expect(await webAgain(ONE, family.one, 80)).toMatchObject(REFUSED);
  });
});

test("a policy without ports that follows one with leaves nothing of it in the kernel", async () => {
  await policyIs({ action: "allow", target: ONE });
  await policyIs({ action: "allow", target: ONE, ports: [80] }, { action: "deny", ports: [25] });
  expect(await listing()).toContain("dyn_allow_ports_v4");
  await policyIs({ action: "allow", target: ONE });
  await policyIs({ action: "allow", target: ONE });
  expect(await listing()).not.toContain("_ports_");
});
