import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../../src/cli/main.ts";
import type { CliContext } from "../../../src/cli/context.ts";
import type { DecisionEvent } from "../../../src/decisions/decision-event.ts";
import { createDecisionRing } from "../../../src/decisions/decision-ring.ts";
import { startApi } from "../../api/api-server.ts";
import { connectionOf, lookupOf } from "../../support/decisions.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

const UPSTREAM = "192.0.2.1:53";

/** A sidecar that has decided so, and `egress log` beside it. */
async function start(events: readonly DecisionEvent[]) {
  const ring = createDecisionRing(64);
  for (const event of events) ring.record(event);
  const socketPath = join(await mkdtemp(join(folder, "run-")), "egress.sock");
  const api = await startApi({ decisions: { ring, run: "run1", upstreams: [UPSTREAM] }, socketPath });
  const output = { printed: "", warned: "" };
  const log = (argv: readonly string[], context: Partial<CliContext> = {}): Promise<number> =>
    runCli(["log", ...argv], {
      env: { OPENSANDBOX_EGRESS_SOCKET: socketPath },
      program: ["egress"],
      print: (text) => void (output.printed += text),
      warn: (text) => void (output.warned += text),
      ...context,
    });
  return { ring, api, log, output, socketPath };
}

const TIME = "2026-01-02T03:04:05.678Z";
const NAME = "www.example.org";
const byUser = { layer: "user", rule: "*.example.org" } as const;

const TAKEN_OUT = {
  count: 2,
  first: Uint8Array.of(198, 51, 100, 7),
  layer: "user",
  rule: undefined,
  reason: undefined,
} as const;

describe("egress log", () => {
  test.each<[string, DecisionEvent, string]>([
    [
      "an allowed lookup",
      lookupOf(NAME, { addresses: ["198.51.100.1"] }),
      "allowed   www.example.org A: 198.51.100.1",
    ],
    [
      "one with many addresses",
      lookupOf(NAME, { addresses: Array.from({ length: 9 }, () => "198.51.100.1") }),
      `allowed   www.example.org A: ${"198.51.100.1 ".repeat(8)}and 1 more`,
    ],
    [
      "one whose answer has lost some to a rule",
      lookupOf(NAME, {
        addresses: ["198.51.100.99"],
        takenOut: { ...TAKEN_OUT, layer: "user", rule: "198.51.100.0/28" },
      }),
      "allowed   www.example.org A: 198.51.100.99; 2 taken out, 198.51.100.7 first: denied by the rule 198.51.100.0/28",
    ],
    [
      "one whose answer has lost some to a protection",
      lookupOf(NAME, {
        addresses: ["198.51.100.99"],
        takenOut: { ...TAKEN_OUT, layer: "built-in", reason: "own-network" },
      }),
      "allowed   www.example.org A: 198.51.100.99; 2 taken out, 198.51.100.7 first: the addresses are the sandbox's own, its gateway's or an upstream's",
    ],
    [
      "a name that no rule allows",
      lookupOf(NAME, { decision: "denied", layer: "default" }),
      "denied    www.example.org A: no rule allows it",
    ],
    [
      "a name that a rule denies",
      lookupOf(NAME, { decision: "denied", ...byUser, qtype: 28 }),
      "denied    www.example.org AAAA: denied by the rule *.example.org",
    ],
    [
      "one that the operator denies",
      lookupOf(NAME, { decision: "denied", layer: "deny.always", rule: NAME }),
      "denied    www.example.org A: denied by deny.always: www.example.org",
    ],
    [
      "a name whose address a rule denies",
      lookupOf(NAME, {
        decision: "withheld",
        addresses: ["198.51.100.1"],
        layer: "user",
        rule: "198.51.100.0/24",
      }),
      "withheld  www.example.org A: 198.51.100.1 was taken out, denied by the rule 198.51.100.0/24",
    ],
    [
      "a name whose address a protection takes",
      lookupOf(NAME, {
        decision: "withheld",
        addresses: ["127.0.0.1"],
        layer: "built-in",
        reason: "special-address",
      }),
      "withheld  www.example.org A: 127.0.0.1 was taken out, the addresses are loopback, link-local, multicast or reserved",
    ],
    [
      "a name that is not there",
      lookupOf(NAME, { decision: "nxdomain", upstream: 0 }),
      `nxdomain  www.example.org A: there is no such name (${UPSTREAM})`,
    ],
    [
      "no data",
      lookupOf(NAME, { decision: "nodata", qtype: 28 }),
      "nodata    www.example.org AAAA: there is no AAAA",
    ],
    [
      "a dead upstream",
      lookupOf(NAME, { decision: "failed", reason: "upstream", upstream: 0 }),
      `failed    www.example.org A: no upstream gave an answer in time (${UPSTREAM})`,
    ],
    [
      "a name that audit mode lets through",
      lookupOf(NAME, { decision: "audited", layer: "default" }),
      "audited   www.example.org A: would be denied: no rule allows it",
    ],
    [
      "a refused connection",
      connectionOf("198.51.100.7", { name: NAME }),
      "denied    tcp 198.51.100.7:443 (www.example.org): no rule allows it",
    ],
    [
      "a refused connection over IPv6",
      connectionOf("2001:db8::7", { layer: "user", rule: "2001:db8::/32" }),
      "denied    tcp [2001:db8::7]:443: denied by the rule 2001:db8::/32",
    ],
    [
      "a refused echo",
      connectionOf("198.51.100.7", { protocol: 1, port: undefined }),
      "denied    icmp 198.51.100.7: no rule allows it, and no lookup has brought it",
    ],
  ])("says %s in words", async (_what, event, line) => {
    const { api, log, output } = await start([event]);
    await using _api = api;
    expect(await log([])).toBe(0);
    expect(output).toEqual({ printed: `${TIME}  ${line}\n`, warned: "" });
  });

  test("shows the latest last, as many as are wanted", async () => {
    const { api, log, output } = await start([1, 2, 3].map((n) => lookupOf(`n${n}.example.org`)));
    await using _api = api;
    expect(await log(["-n", "2"])).toBe(0);
    expect([...output.printed.matchAll(/n\d/g)].map(String)).toEqual(["n2", "n3"]);
  });

  test("shows what is asked for, and exits 1 where there is none", async () => {
    const { api, log, output } = await start([
      lookupOf(NAME),
      lookupOf("api.example.org", { decision: "denied" }),
      connectionOf("198.51.100.7"),
    ]);
    await using _api = api;
    expect(await log(["--denied", "--name", "*.example.org", "--json"])).toBe(0);
    expect(JSON.parse(output.printed)).toMatchObject({ name: "api.example.org", decision: "denied" });
    expect(await log(["--address", "198.51.100.0/24"])).toBe(0);
    expect(await log(["--denied", "--name", NAME])).toBe(1);
  });

  test("gives a terminal colours, others none, and nobody who does not want them", async () => {
    const { api, log, output } = await start([lookupOf(NAME, { decision: "denied" })]);
    await using _api = api;
    await log([], { isTerminal: true });
    expect(output.printed).toContain("  \u001b[31mdenied  \u001b[39m  www.example.org");
    output.printed = "";
    await log([], { isTerminal: true, env: { NO_COLOR: "1", OPENSANDBOX_EGRESS_SOCKET: "" } });
    await log([], { isTerminal: true, env: { TERM: "dumb", OPENSANDBOX_EGRESS_SOCKET: "" } });
    await log([]);
    expect(output.printed).not.toContain("\u001b");
  });

  test("lets no name move a terminal's cursor", async () => {
    const { api, log, output } = await start([lookupOf("\u001b[2Ja\u009b1A.example")]);
    await using _api = api;
    await log([], { isTerminal: true });
    expect(output.printed).toContain(String.raw`\u{1b}[2Ja\u{9b}1A.example`);
  });

  test.each([
    [["--limit", "1001"], "--limit: is not a whole number from 0 to 1000"],
    [["--limit", "x"], "--limit: is not a whole number"],
    [["--tail"], "Unknown option '--tail'"],
    [["more"], "Unexpected argument 'more'"],
  ])("refuses %j as wrong usage", async (argv, reason) => {
    const { api, log, output } = await start([]);
    await using _api = api;
    expect(await log(argv)).toBe(64);
    expect(output.warned).toContain(reason);
  });

  test("says what the sidecar says of a wrong filter", async () => {
    const { api, log, output } = await start([]);
    await using _api = api;
    expect(await log(["--name", "*"])).toBe(65);
    expect(output.warned).toContain("egress log: name: ");
  });

  test("exits 69 where there is no sidecar", async () => {
    const { api, log } = await start([]);
    await api[Symbol.asyncDispose]();
    expect(await log([])).toBe(69);
  });
});

describe("egress log -f", () => {
  test("goes on with what is decided later, without a gap, until nobody reads it", async () => {
    const { ring, api, log, output } = await start([lookupOf("before.example.org")]);
    await using _api = api;
    let isRead = true;
    const ended = log(["-f"], { canPrint: () => isRead });
    await expect.poll(() => output.printed).toContain("before.example.org");
    ring.record(lookupOf("later.example.org"));
    await expect.poll(() => output.printed).toContain("later.example.org");
    isRead = false;
    ring.record(lookupOf("last.example.org"));
    expect(await ended).toBe(0);
    expect(output.warned).toBe("");
  });

  test("comes again when the sidecar was started again, and says that something is gone", async () => {
    const { api, log, output, socketPath } = await start([lookupOf("before.example.org")]);
    let isRead = true;
    const ended = log(["-f"], { canPrint: () => isRead });
    await expect.poll(() => output.printed).toContain("before.example.org");
    const { listener } = api;
    await listener.close(0);
    const ring = createDecisionRing(64);
    ring.record(lookupOf("after.example.org"));
    await using _again = await startApi({ decisions: { ring, run: "run2", upstreams: [] }, socketPath });
    await expect.poll(() => output.printed).toContain("after.example.org");
    expect(output.warned).toContain("the sidecar was started again");
    isRead = false;
    ring.record(lookupOf("last.example.org"));
    await ended;
  });
});
