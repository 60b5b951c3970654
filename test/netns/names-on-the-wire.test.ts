/**
 * Flows to an address that only names have given, judged by the name they show: the ruleset and the reader
 * together, with clients that others wrote.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Argv } from "../../src/netns/command.ts";
import { execIn } from "../../src/netns/namespace.ts";
import { NAMES } from "../netfilter/name-marks.ts";
import { createRulesetLab, type RulesetLab } from "../netfilter/ruleset-lab.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { compiledPolicy } from "../support/policy.ts";
import { FAMILIES } from "../support/families.ts";
import { skipBecause } from "../support/skip.ts";
import { type NamedSites, startNamedSites } from "../support/named-sites.ts";
import { until } from "../support/until.ts";
import { workloadArgv } from "../support/workload.ts";

const child = (name: string): string => fileURLToPath(new URL(`../netfilter/${name}`, import.meta.url));
const [GOOD, EVIL] = ["one.example.org", "two.example.org"];
const GENERATION = 7;

let on: RulesetLab;
let sites: NamedSites;
let reader: JsonServer;
beforeAll(async () => {
  on = await createRulesetLab();
  await load(GENERATION);
  sites = await startNamedSites(on.lab);
  reader = await startReader(GENERATION);
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await sites[Symbol.asyncDispose]();
  await on[Symbol.asyncDispose]();
});

/** The lab's addresses of `one.example.org` are learned; 198.51.100.2 has a rule of its own. */
async function load(generation: number): Promise<void> {
  const learned = (address: string) => [{ address, timeoutSeconds: 3600, comment: GOOD }];
  await on.load({
    policy: compiledPolicy("deny", `allow ${GOOD}`, "allow 198.51.100.2", "allow 2001:db8:100::2"),
    generation,
    names: NAMES,
    restore: { v4: learned("198.51.100.1"), v6: learned("2001:db8:100::1") },
  });
}
async function startReader(generation: number): Promise<JsonServer> {
  return startJsonServer(on.lab.sandbox, [
    process.execPath,
    child("name-reader-child.ts"),
    String(generation),
  ]);
}
async function asWorkload(...argv: Argv): Promise<{ code: number | undefined; stdout: string }> {
  const { exitCode, stdout } = await execIn(on.lab.sandbox, workloadArgv(argv), { input: "" });
  return { code: exitCode, stdout };
}
const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);
async function curl(
  url: string,
  address: string,
  ...options: readonly string[]
): ReturnType<typeof asWorkload> {
  const { hostname, port, protocol } = new URL(url);
  const place = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}:${bracketed(address)}`;
  return asWorkload("curl", "-sk", "--max-time", "60", "--resolve", place, ...options, url);
}
async function sClient(address: string, ...options: readonly string[]): ReturnType<typeof asWorkload> {
  return asWorkload("openssl", "s_client", "-connect", `${bracketed(address)}:443`, ...options);
}
/** How many of two requests over one connection are answered. */
async function ask(address: string, first: string, second: string): Promise<string> {
  return (
    await asWorkload("python3", child("two-requests.py"), address, "8090", first, second)
  ).stdout.trim();
}
/**
 * What comes of a hello in two segments; between them `0` has conntrack lose all flows, and another number is
 * a process that is killed.
 */
async function halves(address: string, name: string, ...between: readonly string[]): Promise<string> {
  const argv = ["python3", child("two-halves.py"), address, name, ...between] as const;
  return (await execIn(on.lab.sandbox, argv)).stdout.trim();
}
/** What comes of datagrams to port 7. */
async function send(address: string, ...texts: readonly string[]): Promise<string> {
  return (await asWorkload("python3", child("quic-shape.py"), address, ...texts)).stdout.trim();
}
const RESET_BY_PEER = [35, 56];

describe.each(FAMILIES)("$name", ({ name: family, one, two }) => {
  beforeEach((context) => {
    if (family === "IPv6" && !on.lab.ipv6) skipBecause(context, "this machine has no IPv6");
  });

  test("curl reaches the allowed name over TLS and by HTTP", async () => {
    expect(await curl(`https://${GOOD}/`, one)).toEqual({ code: 0, stdout: "hello" });
    expect(await curl(`http://${GOOD}:8090/`, one)).toEqual({ code: 0, stdout: "hello" });
  });

  test("another site at the same address is refused with a reset, and told", async () => {
    const shown = await sites.shownDuring(async () => {
      expect(RESET_BY_PEER).toContain((await curl(`https://${EVIL}/`, one)).code);
      expect(RESET_BY_PEER).toContain((await curl(`http://${EVIL}:8090/`, one)).code);
    });
    expect(shown).toEqual([]);
    for (const port of [443, 8090])
      await expect
        .poll(() => reader.lines)
        .toContainEqual(expect.objectContaining({ event: "refused", name: EVIL, address: one, port }));
  });

  test("openssl is refused with another name and without one, and passes with the right one", async () => {
    const shown = await sites.shownDuring(async () => {
      expect((await sClient(one, "-servername", EVIL)).code).not.toBe(0);
      expect((await sClient(one, "-noservername")).code).not.toBe(0);
      expect((await sClient(one, "-servername", GOOD)).code).toBe(0);
      expect((await sClient(one, "-servername", GOOD, "-tls1_2")).code).toBe(0);
      expect((await sClient(one, "-servername", GOOD, "-max_send_frag", "512")).code).toBe(0);
    });
    expect(shown).toEqual([GOOD, GOOD, GOOD]);
  });

  test("each request of a kept connection is judged", async () => {
    expect(await sites.shownDuring(async () => expect(await ask(one, GOOD, GOOD)).toBe("2"))).toEqual([
      GOOD,
      GOOD,
    ]);
    expect(await sites.shownDuring(async () => expect(await ask(one, GOOD, EVIL)).toBe("1"))).toEqual([GOOD]);
  });

  test("the rest of a hello is no protocol of its own, also where conntrack and the reader have forgotten how it began", async () => {
    expect(await sites.shownDuring(async () => expect(await halves(one, GOOD)).toBe("answered"))).toEqual([
      GOOD,
    ]);
    const shown = await sites.shownDuring(async () => {
      expect(await halves(one, EVIL)).toBe("refused");
      expect(await halves(one, EVIL, "0")).toBe("refused");
      for (const forgets of [[], ["0"]]) {
        const asking = halves(one, EVIL, ...forgets, String(reader.process.pid));
        await reader.process.end;
        reader = await startReader(GENERATION);
        expect(await asking).toBe("refused");
      }
    });
    expect(shown).toEqual([]);
  });

  test("an address that a rule allows is not judged", async () => {
    expect(await curl(`https://${EVIL}/`, two)).toEqual({ code: 0, stdout: "hello" });
  });

  test("QUIC is refused by its shape, also behind another datagram, and other UDP passes", async () => {
    const [v1, v2] = ["c000000001", "d06b3343cf"].map((head) => head.padEnd(40, "0"));
    expect(await send(one, v1 ?? "")).toBe("PermissionError");
    expect(await send(one, v2 ?? "")).toBe("PermissionError");
    expect(await send(one, "68656c6c6f20776f726c64", v1 ?? "")).toBe("answered PermissionError");
  });

  test("a verified flow outlives the reader and a change, and what begins meanwhile waits for the next reader", async () => {
    await using talking = await startJsonServer(
      on.lab.sandbox,
      workloadArgv([process.execPath, child("talking-child.ts"), one, GOOD]),
    );
    const goesOn = async (what: string): Promise<void> => {
      const before = talking.lines.length;
      await until(what, () => talking.lines.length > before + 3);
    };
    await goesOn("it talks");
    await reader[Symbol.asyncDispose]();
    await goesOn("it talks without a reader");
    let waiting: ReturnType<typeof curl> | undefined;
    const shown = await sites.shownDuring(async () => {
      waiting = curl(`https://${GOOD}/`, one);
      await goesOn("another one waits");
    });
    expect(shown).toEqual([]);
    await load(GENERATION + 1);
    await goesOn("it talks under another generation");
    reader = await startReader(GENERATION + 1);
    expect(await waiting).toEqual({ code: 0, stdout: "hello" });
    await goesOn("it talks with another reader");
    expect(talking.lines.filter(({ event }) => event === "ended")).toEqual([]);
    await load(GENERATION);
    await reader[Symbol.asyncDispose]();
    reader = await startReader(GENERATION);
  });

  test("an emptied chain lets nothing by", async () => {
    await execIn(on.lab.sandbox, ["nft", "flush", "chain", "inet", "opensandbox", "ask"]);
    const shown = await sites.shownDuring(async () => {
      expect((await curl(`https://${GOOD}/`, one, "--max-time", "2")).code).toBe(28);
    });
    expect(shown).toEqual([]);
    const before = sites.lines.length;
    await reader[Symbol.asyncDispose]();
    reader = await startReader(GENERATION);
    // The kernel goes on to send it, though curl has ended.
    await until("what was dropped comes again", () =>
      sites.lines.slice(before).some((line) => line["name"] === GOOD),
    );
    expect(await curl(`https://${GOOD}/`, one)).toEqual({ code: 0, stdout: "hello" });
  });
});
