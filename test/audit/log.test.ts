import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LogOutputError } from "../../src/audit/errors.ts";
import { createLog } from "../../src/audit/log.ts";
import { parseNameFile } from "../../src/policy/always-file.ts";
import { replacedBy } from "../../src/policy/edit.ts";
import { parsePolicyJson, parseRulesJson } from "../../src/policy/parse-policy.ts";
import { createMemoryLog, SETTINGS } from "./memory-log.ts";
import { connectionOf, lookupOf } from "../support/decisions.ts";
import { nameOf } from "../support/policy.ts";

const HOST = nameOf("www.example.org");

const denied = (host: string, layer: "user" | "default" = "default", rule?: string) =>
  lookupOf(host, { decision: "denied", rcode: 3, layer, rule });
const failed = (host: string) => lookupOf(host, { decision: "failed", rcode: 2, reason: "upstream" });

describe("the audit log", () => {
  test("tells a denied lookup with the rule that decided", async () => {
    const { log, lines } = createMemoryLog();
    log.audit.decided(denied("x.example.com", "user", "*.example.com"));
    expect(await lines()).toEqual([
      {
        level: "warn",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        "opensandbox.event": "egress.denied",
        decision: "denied",
        "dns.question.type": "A",
        "dns.response_code": "NXDOMAIN",
        "target.host": "x.example.com",
        "dns.question.name": "x.example.com",
        layer: "user",
        rule: "*.example.com",
        msg: "lookup denied",
      },
    ]);
  });

  test("tells a refused connection with the address, and the name if one is known", async () => {
    const { log, lines } = createMemoryLog({ logLevel: "error" });
    const ip = "198.51.100.7";
    log.audit.decided(connectionOf(ip, { name: HOST, layer: "user", rule: "198.51.100.0/24" }));
    log.audit.decided(connectionOf("2001:db8::7", { protocol: 58, port: undefined, layer: "user" }));
    const line = { level: "warn", "opensandbox.event": "egress.denied", decision: "denied", layer: "user" };
    const msg = "connection denied";
    const time = expect.any(String);
    expect(await lines()).toEqual([
      {
        ...line,
        time,
        "target.host": HOST,
        "target.ips": [ip],
        "target.port": 443,
        "destination.address": ip,
        "destination.port": 443,
        "network.transport": "tcp",
        "network.type": "ipv4",
        rule: "198.51.100.0/24",
        msg,
      },
      {
        ...line,
        time,
        "target.ips": ["2001:db8::7"],
        "destination.address": "2001:db8::7",
        "network.transport": "icmpv6",
        "network.type": "ipv6",
        msg,
      },
    ]);
  });

  test("tells what a connection has shown, and the smallest change that lets it through", async () => {
    const { log, lines } = createMemoryLog();
    const details = { problem: "a denied name", owners: ["one.example.org"] };
    const common = { name: HOST, port: 8443, reason: "shown-name" } as const;
    for (const isAllowedElsewhere of [false, true]) {
      const shown = { ...details, isAllowedElsewhere };
      log.audit.decided(connectionOf("198.51.100.9", { ...common, shown }));
    }
    const shown = { ...details, isAllowedElsewhere: false };
    log.audit.decided(connectionOf("198.51.100.9", { ...common, reason: "shown-form", shown }));
    const told = { "reason.detail": "a denied name", "address.names": ["one.example.org"] };
    expect(await lines()).toMatchObject([
      { ...told, patch: [{ action: "allow", target: HOST }] },
      { ...told, patch: [{ action: "allow", target: HOST, ports: [8443], protocol: "tcp" }] },
      told,
    ]);
    expect((await lines()).at(-1)).not.toHaveProperty("patch");
  });

  test("past their bound refused connections are counted by address, without taking lines from lookups", async () => {
    const { log, lines } = createMemoryLog({ lookupLinesPerSecond: 1 });
    const ip = "198.51.100.7";
    for (let count = 0; count < 250; count += 1) log.audit.decided(connectionOf(ip));
    log.audit.decided(denied("x.example.com"));
    const written = await lines();
    expect(written.filter(({ msg }) => msg === "connection denied")).toHaveLength(200);
    expect(written).toContainEqual(expect.objectContaining({ msg: "lookup denied" }));
    expect(written.at(-1)).toMatchObject({ msg: "connections denied", "target.ips": [ip], count: 50 });
  });

  test("tells an allowed lookup with its addresses, the upstream and the time that it took", async () => {
    const { log, lines } = createMemoryLog();
    log.setUpstreams([{ address: "192.0.2.1", port: 53 }]);
    log.audit.decided(lookupOf(HOST, { addresses: ["192.0.2.1"], upstream: 0, durationMs: 1.25 }));
    expect(await lines()).toMatchObject([
      {
        level: "info",
        "opensandbox.event": "egress.outbound",
        decision: "allowed",
        "target.host": HOST,
        "target.ips": ["192.0.2.1"],
        "dns.answers": ["192.0.2.1"],
        "server.address": "192.0.2.1",
        "server.port": 53,
        "dns.lookup.duration": 0.00125,
        msg: "lookup allowed",
      },
    ]);
  });

  test("tells apart what an allowed name brought: nothing of the type, no such name, addresses that are all denied", async () => {
    const { log, lines } = createMemoryLog();
    const [withheld] = ["198.51.100.51"];
    log.audit.decided(lookupOf(HOST, { decision: "nodata", qtype: 28 }));
    log.audit.decided(lookupOf(HOST, { decision: "nxdomain", rcode: 3 }));
    const byRule = { decision: "withheld", addresses: [withheld ?? ""], rule: "198.51.100.0/24" } as const;
    log.audit.decided(lookupOf(HOST, byRule));
    log.audit.decided(
      lookupOf(HOST, { ...byRule, layer: "built-in", rule: undefined, reason: "own-network" }),
    );
    const outbound = { level: "info", "opensandbox.event": "egress.outbound", "target.ips": [] };
    const taken = { level: "warn", "opensandbox.event": "egress.withheld", "target.ips": [withheld] };
    expect(await lines()).toMatchObject([
      { ...outbound, decision: "nodata", "dns.question.type": "AAAA" },
      { ...outbound, decision: "nxdomain", "dns.response_code": "NXDOMAIN" },
      { ...taken, decision: "withheld", layer: "user", rule: "198.51.100.0/24" },
      { ...taken, decision: "withheld", layer: "built-in", reason: "own-network" },
    ]);
  });

  test("leaves out what we answer by ourselves, and what a bound keeps back one by one", async () => {
    const { log, lines } = createMemoryLog();
    log.audit.decided(lookupOf("localhost", { reason: "own-answer" }));
    log.audit.decided(lookupOf(HOST, { decision: "failed", reason: "limited" }));
    expect(await lines()).toEqual([]);
  });

  test("leaves out allowed lookups of the skip list, and denied ones never", async () => {
    const { log, lines } = createMemoryLog();
    const skip = parseNameFile("log_skip.always", "*.example.org\nexample.com");
    log.setSkipList(skip.ok ? skip.value : []);
    log.audit.decided(lookupOf(HOST));
    log.audit.decided(lookupOf(nameOf("example.com")));
    log.audit.decided(lookupOf(nameOf("example.org")));
    log.audit.decided(denied(HOST));
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
    log.audit.policyUpdated({ kind: "remove", targets: rules.value.map(replacedBy) });
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
    log.audit.decided(lookupOf(HOST));
    const common = { sandbox_id: "sbx-1", team: "a" };
    expect(await lines()).toMatchObject([{ ...common, msg: "hello" }, common]);
  });

  test.each(["warn", "error"] as const)(
    "leaves out what is below the level %s, but never a denial",
    async (logLevel) => {
      const { log, lines } = createMemoryLog({ logLevel });
      log.logger.info("hello");
      log.audit.decided(lookupOf(HOST));
      log.audit.decided(denied(HOST));
      expect(await lines()).toMatchObject([{ "opensandbox.event": "egress.denied", level: "warn" }]);
    },
  );

  test("counts lookups by name once a flood has used up its lines, at every level", async () => {
    const { log, lines } = createMemoryLog({ logLevel: "error", lookupLinesPerSecond: 1 });
    const deny = (host: string): void => log.audit.decided(denied(host));
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
    for (let n = 0; n < 205; n += 1) log.audit.decided(lookupOf(HOST, { addresses: ["192.0.2.1"] }));
    log.audit.decided(denied("x.example.com"));
    expect((await lines()).slice(200)).toMatchObject([
      { "opensandbox.event": "egress.denied", "target.host": "x.example.com", msg: "lookup denied" },
      { level: "info", "opensandbox.event": "egress.outbound", "target.host": HOST, count: 5 },
    ]);
  });

  test("tells why an allowed lookup got no answer", async () => {
    const { log, lines } = createMemoryLog();
    log.audit.decided(failed(HOST));
    expect(await lines()).toMatchObject([
      {
        level: "warn",
        "opensandbox.event": "egress.outbound",
        decision: "failed",
        "target.host": HOST,
        "target.ips": [],
        error: "no upstream gave an answer in time",
        "error.type": "upstream",
        msg: "lookup failed",
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
