import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LogOutputError } from "../../src/audit/errors.ts";
import { type LogSettings, createLog } from "../../src/audit/log.ts";
import { parseNameFile } from "../../src/policy/always-file.ts";
import { parsePolicyJson, parseRulesJson } from "../../src/policy/parse-policy.ts";
import { nameOf } from "../support/policy.ts";

const SETTINGS: LogSettings = {
  logLevel: "info",
  logOutputs: ["memory"],
  sandboxId: undefined,
  extraAttributes: {},
  lookupLinesPerSecond: 0,
};

function createMemoryLog(settings: Partial<LogSettings> = {}) {
  let text = "";
  const log = createLog({ ...SETTINGS, ...settings }, () => ({
    write(octets, done) {
      setImmediate(() => {
        text += octets.toString();
        done(null, octets.length);
      });
    },
  }));
  const lines = async (): Promise<readonly Record<string, unknown>[]> => {
    await log.drain(1000);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  };
  return { log, lines };
}

const HOST = nameOf("www.example.org");

describe("the audit log", () => {
  test("tells a denied lookup with the rule that decided", async () => {
    const { log, lines } = createMemoryLog();
    log.audit.lookupDenied({ host: "x.example.com", layer: "user", rule: "*.example.com" });
    expect(await lines()).toEqual([
      {
        level: "warn",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        "opensandbox.event": "egress.denied",
        "target.host": "x.example.com",
        layer: "user",
        rule: "*.example.com",
        msg: "lookup denied",
      },
    ]);
  });

  test("tells a refused connection with the address, and the name if one is known", async () => {
    const { log, lines } = createMemoryLog({ logLevel: "error" });
    const common = { ip: "198.51.100.7", transport: "tcp", layer: "user" };
    log.audit.connectionDenied({ ...common, port: 443, host: HOST, rule: "198.51.100.0/24" });
    log.audit.connectionDenied({
      ...common,
      transport: "icmp",
      port: undefined,
      host: undefined,
      rule: undefined,
    });
    const line = { level: "warn", "opensandbox.event": "egress.denied", "target.ips": ["198.51.100.7"] };
    const msg = "connection denied";
    const time = expect.any(String);
    expect(await lines()).toEqual([
      {
        ...line,
        time,
        "target.host": HOST,
        "target.port": 443,
        "network.transport": "tcp",
        layer: "user",
        rule: "198.51.100.0/24",
        msg,
      },
      { ...line, time, "network.transport": "icmp", layer: "user", msg },
    ]);
  });

  test("past their bound refused connections are counted by address, without taking lines from lookups", async () => {
    const { log, lines } = createMemoryLog({ lookupLinesPerSecond: 1 });
    const denied = { ip: "198.51.100.7", port: 443, transport: "tcp", host: undefined, layer: "default" };
    for (let count = 0; count < 250; count += 1) log.audit.connectionDenied({ ...denied, rule: undefined });
    log.audit.lookupDenied({ host: "x.example.com", layer: "default", rule: undefined });
    const written = await lines();
    expect(written.filter(({ msg }) => msg === "connection denied")).toHaveLength(200);
    expect(written).toContainEqual(expect.objectContaining({ msg: "lookup denied" }));
    expect(written.at(-1)).toMatchObject({ msg: "connections denied", "target.ips": [denied.ip], count: 50 });
  });

  test("tells an allowed lookup with its addresses, or why there are none", async () => {
    const { log, lines } = createMemoryLog();
    log.audit.lookupAllowed({ host: HOST, ips: ["192.0.2.1"] });
    log.audit.lookupAllowed({ host: HOST, ips: [], error: "servfail" });
    expect(await lines()).toMatchObject([
      { "opensandbox.event": "egress.outbound", "target.host": HOST, "target.ips": ["192.0.2.1"] },
      { "target.ips": [], error: "servfail" },
    ]);
  });

  test("leaves out allowed lookups of the skip list, and denied ones never", async () => {
    const { log, lines } = createMemoryLog();
    const skip = parseNameFile("log_skip.always", "*.example.org\nexample.com");
    log.setSkipList(skip.ok ? skip.value : []);
    log.audit.lookupAllowed({ host: HOST, ips: [] });
    log.audit.lookupAllowed({ host: nameOf("example.com"), ips: [] });
    log.audit.lookupAllowed({ host: nameOf("example.org"), ips: [] });
    expect([HOST, nameOf("example.org")].map(log.audit.wantsAllowed)).toEqual([false, true]);
    log.audit.lookupDenied({ host: HOST, layer: "default", rule: undefined });
    expect((await lines()).map((line) => [line["opensandbox.event"], line["target.host"]])).toEqual([
      ["egress.outbound", "example.org"],
      ["egress.denied", HOST],
    ]);
  });

  test("tells what somebody else has changed, and whether it is repaired", async () => {
    const { log, lines } = createMemoryLog({ logLevel: "warn" });
    const change = { found: ["inet opensandbox: table deleted"], by: ["nft (process 7)"] };
    log.audit.rulesetReconciled({ ...change, error: undefined });
    log.audit.rulesetReconciled({ ...change, error: "nft: is not installed" });
    expect(await lines()).toMatchObject([
      { "opensandbox.event": "egress.ruleset_repaired", level: "warn", ...change },
      { "opensandbox.event": "egress.ruleset_repaired", level: "error", error: "nft: is not installed" },
    ]);
  });

  test("tells changes of the policy by what they were asked", async () => {
    const { log, lines } = createMemoryLog();
    const rules = parseRulesJson('[{"action":"allow","target":"example.org"}]');
    const policy = parsePolicyJson('{"egress":[{"target":"a.example"}]}');
    if (!rules.ok || rules.value === "blank" || !policy.ok || policy.value === "blank")
      throw new Error("bad test");
    log.audit.policyLoaded(policy.value, "policy file");
    log.audit.policyUpdated({ kind: "merge", rules: rules.value });
    log.audit.policyUpdated({ kind: "remove", targets: rules.value.map(({ target }) => target) });
    log.audit.policyUpdateFailed("nft: no");
    expect(await lines()).toMatchObject([
      {
        "opensandbox.event": "egress.loaded",
        from: "policy file",
        "egress.default": "deny",
        rules: [{ action: "deny", target: "a.example" }],
      },
      { "opensandbox.event": "egress.updated", rules: [{ action: "allow", target: "example.org" }] },
      { "opensandbox.event": "egress.updated", rules: [{ target: "example.org" }] },
      { "opensandbox.event": "egress.update_failed", level: "error", error: "nft: no" },
    ]);
  });

  test("carries the sandbox's id and the extra attributes on every line", async () => {
    const { log, lines } = createMemoryLog({ sandboxId: "sbx-1", extraAttributes: { team: "a" } });
    log.logger.info("hello");
    log.audit.lookupAllowed({ host: HOST, ips: [] });
    const common = { sandbox_id: "sbx-1", team: "a" };
    expect(await lines()).toMatchObject([{ ...common, msg: "hello" }, common]);
  });

  test.each(["warn", "error"] as const)(
    "leaves out what is below the level %s, but never a denial",
    async (logLevel) => {
      const { log, lines } = createMemoryLog({ logLevel });
      log.logger.info("hello");
      log.audit.lookupAllowed({ host: HOST, ips: [] });
      expect(log.audit.wantsAllowed(HOST)).toBe(false);
      log.audit.lookupDenied({ host: HOST, layer: "default", rule: undefined });
      expect(await lines()).toMatchObject([{ "opensandbox.event": "egress.denied", level: "warn" }]);
    },
  );

  test("counts lookups by name once a flood has used up its lines, at every level", async () => {
    const { log, lines } = createMemoryLog({ logLevel: "error", lookupLinesPerSecond: 1 });
    const deny = (host: string): void => log.audit.lookupDenied({ host, layer: "default", rule: undefined });
    for (let n = 0; n < 200; n += 1) deny(`n${n}.example.com`);
    for (let n = 0; n < 9; n += 1) deny("again.example.com");
    for (let n = 0; n < 7; n += 1) deny(`more${n}.example.com`);
    const written = await lines();
    expect(written).toHaveLength(202);
    expect(written.slice(199)).toMatchObject([
      { "opensandbox.event": "egress.denied", "target.host": "n199.example.com", msg: "lookup denied" },
      {
        level: "warn",
        "opensandbox.event": "egress.denied",
        "target.host": "again.example.com",
        count: 9,
        msg: "lookups denied",
      },
      { level: "warn", "opensandbox.event": "egress.denied", count: 7, msg: "lookups denied" },
    ]);
    expect(written.at(-1)).not.toHaveProperty("target.host");
  });

  test("counts allowed lookups apart, so that they take no line from denials", async () => {
    const { log, lines } = createMemoryLog({ lookupLinesPerSecond: 1 });
    for (let n = 0; n < 205; n += 1) log.audit.lookupAllowed({ host: HOST, ips: ["192.0.2.1"] });
    log.audit.lookupDenied({ host: "x.example.com", layer: "default", rule: undefined });
    expect((await lines()).slice(200)).toMatchObject([
      { "opensandbox.event": "egress.denied", "target.host": "x.example.com", msg: "lookup denied" },
      { level: "info", "opensandbox.event": "egress.outbound", "target.host": HOST, count: 5 },
    ]);
  });

  test("tells why an allowed lookup got no answer", async () => {
    const { log, lines } = createMemoryLog();
    log.audit.lookupAllowed({ host: HOST, ips: [], error: "no upstream gave an answer in time" });
    expect(await lines()).toMatchObject([
      {
        level: "info",
        "opensandbox.event": "egress.outbound",
        "target.host": HOST,
        "target.ips": [],
        error: "no upstream gave an answer in time",
      },
    ]);
  });

  test("tells of a bound that lookups have met, at every level", async () => {
    const { log, lines } = createMemoryLog({ logLevel: "error" });
    log.audit.lookupsLimited({
      parent: "example.org",
      bound: "names",
      perMinute: 600,
      layer: "user",
      rule: "*.example.org",
    });
    expect(await lines()).toMatchObject([
      {
        level: "warn",
        "opensandbox.event": "egress.limited",
        parent: "example.org",
        bound: "names",
        "per.minute": 600,
        layer: "user",
        rule: "*.example.org",
      },
    ]);
  });

  test("writes to the end of files that only we may read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "log-"));
    const path = join(folder, "egress.log");
    for (const message of ["one", "two"]) {
      const log = createLog({ ...SETTINGS, logOutputs: [path] });
      log.logger.info(message);
      await log.drain(1000);
    }
    const text = await readFile(path, "utf8");
    expect(text.split("\n").map((line) => line && JSON.parse(line).msg)).toEqual(["one", "two", ""]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(() => createLog({ ...SETTINGS, logOutputs: [join(folder, "no", "where")] })).toThrow(
      LogOutputError,
    );
    await rm(folder, { recursive: true });
  });
});
