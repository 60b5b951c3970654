import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SUBJECTS_KEPT } from "../../../../src/cli/run/report/ledger.ts";
import { createRunReport, TOLD_AT_ONCE } from "../../../../src/cli/run/report/report.ts";
import { renderSummary } from "../../../../src/cli/run/report/summary.ts";
import { readSurroundings } from "../../../../src/cli/run/report/surroundings.ts";
import { describe } from "../../../../src/cli/run/report/words.ts";
import { denyByDefault } from "../../../support/policy.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const HOSTS = "127.0.0.1 localhost\n198.51.100.9 db.example.org db # ours\n2001:DB8:0::9 db6.example.org\n";

function open(rules: readonly string[] = [], resolvConf = "") {
  const around = readSurroundings({
    policy: denyByDefault(...rules),
    hosts: HOSTS,
    resolvConf,
    upstreams: ["192.0.2.1", "2001:db8::1"],
  });
  const told: string[] = [];
  const report = createRunReport({
    around,
    tell: (entry) => told.push(entry === undefined ? "more" : describe(entry, around)),
    tellUnjudged: (reason) => told.push(`unjudged: ${reason}`),
  });
  return {
    told,
    report,
    take: (...lines: readonly string[]) => lines.forEach(report.take),
    summary: () => renderSummary(report.outcome()),
  };
}

function name(host: string | undefined, fields: object = { layer: "default" }): string {
  return JSON.stringify({
    "opensandbox.event": "egress.denied",
    "target.host": host,
    ...fields,
    msg: "lookup denied",
  });
}

function connection(ip: string | undefined, fields: object = {}): string {
  return JSON.stringify({
    "opensandbox.event": "egress.denied",
    "target.ips": ip === undefined ? undefined : [ip],
    "network.transport": "tcp",
    "target.port": 443,
    layer: "default",
    msg: "connection denied",
    ...fields,
  });
}

function lookup(host: string, error?: string): string {
  return JSON.stringify({
    "opensandbox.event": "egress.outbound",
    "target.host": host,
    "target.ips": [],
    error,
  });
}

test("what is no decision says nothing", () => {
  const { told, take, summary } = open();
  take("not json", "{}", "null", lookup("one.example.org"));
  expect(told).toEqual([]);
  expect(summary()).toEqual([]);
});

const protectionLine = (protection: string, state: string): string =>
  JSON.stringify({ level: "warn", protection, state, reason: "no queue", msg: "a protection is off" });

test("it is told if no name on the wire is judged, with the reason, and of no other protection", () => {
  const { told, take, summary } = open();
  take(
    ...["raw-frames", "wire-names"].map((one) => protectionLine(one, "off")),
    protectionLine("wire-names", "on"),
  );
  expect(told).toEqual(["unjudged: no queue"]);
  expect(summary()).toEqual([]);
});

test("a denied name is told at once, and once, whatever its type and however often", () => {
  const { told, take, summary } = open();
  take(name("b.example.org"), name("b.example.org"), name("a.example.org"));
  expect(told).toEqual([
    "denied b.example.org (no rule allows it)",
    "denied a.example.org (no rule allows it)",
  ]);
  expect(summary()).toEqual([
    "denied 2 names; to allow them:",
    "  --allow b.example.org --allow a.example.org",
  ]);
});

test("a denied address is told once, with its first flow, beside names", () => {
  const { told, take, summary } = open();
  take(connection("198.51.100.7"), connection("198.51.100.7", { "target.port": 80 }), name("b.example.org"));
  expect(told[0]).toBe("denied 198.51.100.7 tcp 443 (no rule allows it)");
  expect(summary()).toEqual([
    "denied 1 name and 1 address; to allow them:",
    "  --allow b.example.org --allow 198.51.100.7",
  ]);
});

test.each([
  [{ layer: "user", rule: "*.example.org" }, "rule: deny *.example.org"],
  [{ layer: "deny.always", rule: "192.0.2.0/24" }, "deny.always: 192.0.2.0/24"],
  [{ layer: "built-in" }, "a protection that no rule lifts"],
])("what %j denies is told with its reason, and no option is said to allow it", (cause, reason) => {
  const { told, take, summary } = open();
  take(name("b.example.org", cause));
  expect(told).toEqual([`denied b.example.org (${reason})`]);
  expect(summary()).toEqual([`denied by a rule: b.example.org (${reason})`]);
});

test("a name that is no target is told and not offered", () => {
  const { told, take, summary } = open();
  take(name("a\n\u001b[31m.example.org"));
  expect(told).toEqual(["denied a\\u{a}\\u{1b}[31m.example.org (no rule allows it)"]);
  expect(summary()).toEqual([]);
});

test("a wildcard that does not cover its own apex is pointed out", () => {
  const { told, take } = open(["allow *.example.org"]);
  take(name("example.org"));
  expect(told).toEqual([
    "denied example.org (no rule allows it; *.example.org does not cover example.org itself)",
  ]);
});

test.each(["198.51.100.9", "2001:db8::9"])(
  "%s, which only /etc/hosts has given, is denied with that said",
  (ip) => {
    const { told, take } = open(["allow db.example.org"]);
    take(connection(ip));
    expect(told[0]).toMatch(/\/etc\/hosts gives it for db.*: allow the address\)$/);
  },
);

/** At 198.51.100.1, an address of one.example.org. */
const shown = (host: string | undefined, fields: object): string =>
  connection("198.51.100.1", {
    "target.host": host,
    reason: "shown-name",
    "reason.detail": "a denied name",
    "address.names": ["one.example.org", "other.example.org"],
    ...fields,
  });

test("a name that a connection has shown is told with the place, and offered instead of the address", () => {
  const { told, take, summary } = open(["allow one.example.org"], "search example.org");
  take(shown("evil.example.org", {}), shown("evil.example.org", {}));
  expect(told).toEqual([
    "denied evil.example.org, which a connection to 198.51.100.1 tcp 443, an address of one.example.org has shown (no rule allows it)",
  ]);
  expect(summary()).toEqual(["denied 1 name; to allow it:", "  --allow evil.example.org"]);
});

test("one that is allowed on other ports is offered with the port, and one that a rule denies is not", () => {
  const { told, take, summary } = open(["allow one.example.org", "allow web.example.org /80"]);
  take(shown("web.example.org", {}), shown("no.example.org", { layer: "user", rule: "no.example.org" }));
  expect(told[0]).toMatch(
    /has shown \(no rule allows it; the rules for web\.example\.org allow other ports\)$/,
  );
  expect(told[1]).toMatch(/^denied no\.example\.org, .* \(rule: deny no\.example\.org\)$/);
  expect(summary()).toEqual([
    "denied 1 name; to allow it:",
    "  --allow web.example.org:443/tcp",
    expect.stringMatching(/^denied by a rule: no\.example\.org, /),
  ]);
});

test("a connection that shows no name is told with what was wrong and both ways out, and no option opens it", () => {
  const { told, take, summary } = open(["allow one.example.org"]);
  const detail = "a ClientHello without a server name";
  take(shown(undefined, { layer: "built-in", reason: "shown-form", "reason.detail": detail }));
  const where = "198.51.100.1 tcp 443, an address of one.example.org";
  expect(told).toEqual([`denied ${where} (${detail}; ask for it by an allowed name, or allow the address)`]);
  expect(summary()).toEqual([
    `denied, as no allowed name was shown in a form that is taken: ${where} (${detail})`,
  ]);
});

test("HTTP/3 to an address of a name is told as that, and DNS over QUIC as a protection", () => {
  const { told, take } = open(["allow one.example.org"]);
  const kernel = { layer: "built-in", reason: "kernel-rule", "network.transport": "udp" };
  take(connection("198.51.100.1", { ...kernel, "target.host": "one.example.org" }));
  take(connection("198.51.100.2", { ...kernel, "target.host": "one.example.org", "target.port": 853 }));
  expect(told[0]).toMatch(
    / udp 443, an address of one\.example\.org \(HTTP\/3 .*; its clients fall back to TCP\)$/,
  );
  expect(told[1]).toMatch(/ udp 853, .* \(a protection that no rule lifts\)$/);
});

test("an address whose time is over is said to be so", () => {
  const { told, take } = open(["allow one.example.org"]);
  take(connection("198.51.100.1", { "target.host": "one.example.org" }));
  expect(told[0]).toBe(
    "denied 198.51.100.1 tcp 443, an address of one.example.org (no rule allows it; the time of that lookup is over: it must be looked up again)",
  );
});

test("a flow that the rules of its name do not allow is told so, and the flow is offered, not the address", () => {
  const { told, take, summary } = open(["allow one.example.org tcp/8443,9000-9010"]);
  const host = { "target.host": "one.example.org" };
  take(connection("198.51.100.1", host), connection("2001:db8:100::1", host));
  take(connection("198.51.100.2", { ...host, "network.transport": "udp", "target.port": 9000 }));
  take(connection("198.51.100.3", { ...host, "network.transport": "icmp", "target.port": undefined }));
  take(connection("198.51.100.4", { ...host, "network.transport": "sctp", "target.port": undefined }));
  expect(told[0]).toBe(
    "denied 198.51.100.1 tcp 443, an address of one.example.org (no rule allows it; the rules for one.example.org allow other ports or protocols)",
  );
  expect(summary()).toEqual([
    "denied 5 addresses; to allow them:",
    "  --allow one.example.org:443/tcp --allow one.example.org:9000/udp --allow one.example.org/icmp --allow 198.51.100.4",
  ]);
  take(connection("198.51.100.5", { ...host, "target.port": 9005 }));
  expect(told.at(-1)).toContain("the time of that lookup is over");
});

test("a failed lookup is told with the upstreams; once one is answered it has not failed", () => {
  const { told, take, summary } = open();
  const line = lookup("one.example.org", "no upstream gave an answer in time");
  take(line, line);
  expect(told).toEqual([
    "the lookup of one.example.org failed: no upstream gave an answer in time (asked: 192.0.2.1, 2001:db8::1)",
  ]);
  expect(summary()).toEqual(["allowed, but their lookups failed: one.example.org"]);
  take(lookup("one.example.org"));
  expect(summary()).toEqual([]);
});

test("failed lookups that one line counts are told, too", () => {
  const { summary, take } = open();
  take(
    JSON.stringify({
      level: "warn",
      "opensandbox.event": "egress.outbound",
      "target.host": "one.example.org",
      count: 9,
    }),
  );
  expect(summary()).toEqual(["allowed, but their lookups failed: one.example.org"]);
});

test("an allowed name whose address a rule takes away is told by the address, its name and the rule", () => {
  const { told, take } = open(["allow one.example.org", "deny 198.51.100.1"]);
  const cause = { layer: "user", rule: "198.51.100.1" };
  take(
    JSON.stringify({
      "opensandbox.event": "egress.withheld",
      "target.host": "one.example.org",
      "target.ips": ["198.51.100.1"],
      ...cause,
    }),
  );
  expect(told).toEqual(["denied 198.51.100.1, an address of one.example.org (rule: deny 198.51.100.1)"]);
});

const SEARCH = "nameserver 192.0.2.1\nsearch corp.example. lab.example\n";

test("a variant of the search list is nothing once its plain name is asked for", () => {
  const { told, take, summary } = open(["allow one.example.org"], SEARCH);
  take(name("one.example.org.corp.example"), name("one.example.org.lab.example"), lookup("one.example.org"));
  take(name("two.example.org.corp.example"), name("two.example.org"), name("two.example.org.lab.example"));
  vi.runAllTimers();
  expect(told).toEqual(["denied two.example.org (no rule allows it)"]);
  expect(summary()).toEqual(["denied 1 name; to allow it:", "  --allow two.example.org"]);
});

test("a name in the search domain that was meant so is told when no plain one follows", () => {
  const { told, take } = open([], SEARCH);
  take(name("www.db.corp.example"));
  expect(told).toEqual([]);
  vi.runAllTimers();
  expect(told).toEqual(["denied www.db.corp.example (no rule allows it)"]);
});

test("of a name without a dot the variant counts, not the plain one", () => {
  const { told, take, summary } = open([], SEARCH);
  take(name("db.corp.example"), name("db"));
  expect(told).toEqual(["denied db.corp.example (no rule allows it)"]);
  expect(summary()[1]).toBe("  --allow db.corp.example");
});

test("names without end are told up to a bound, take bounded memory, and are still counted", () => {
  const { told, take, summary, report } = open();
  for (let index = 0; index < SUBJECTS_KEPT + 500; index++) take(name(`n${index}.example.org`));
  expect(told).toHaveLength(TOLD_AT_ONCE + 1);
  expect(told.at(-1)).toBe("more");
  expect(report.outcome().denied).toHaveLength(SUBJECTS_KEPT);
  const lines = summary();
  expect(lines[1]).toMatch(/ {3}\(and 4056 more\)$/);
  expect(lines[2]).toBe("denied and only counted: 500 more");
});

test("lines that stand for many count as many", () => {
  const { take, summary } = open();
  const many = { layer: undefined, count: 7, msg: "connections denied" };
  take(connection("198.51.100.7", many), connection(undefined, { ...many, count: 9 }));
  take(name(undefined, { count: 41 }));
  expect(summary()).toEqual([
    "denied 1 address; to allow it:",
    "  --allow 198.51.100.7",
    "denied and only counted: 50 more",
  ]);
});
