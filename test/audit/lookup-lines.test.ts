import * as fc from "fast-check";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import type { EncodedLine } from "../../src/audit/line-queue.ts";
import { createLookupLines } from "../../src/audit/lookup-lines.ts";
import { type DecisionEvent, OUTCOMES, REASON_WORDS, REASONS } from "../../src/decisions/decision-event.ts";
import { rcodeWord, typeWord } from "../../src/decisions/words.ts";
import { AT_MS, lookupOf } from "../support/decisions.ts";

const fixed =
  <T>(fields: T) =>
  () =>
    fields;

function textOf({ octets, length }: EncodedLine): string {
  return octets().toString("utf8", 0, length());
}

/** The line as text, with one that writes nothing else. */
function lineOf(event: DecisionEvent, common: Readonly<Record<string, string>> = {}): string {
  return textOf(createLookupLines(() => common).encode(event));
}

const denied = (name: string, rule?: string): DecisionEvent =>
  lookupOf(name, { decision: "denied", rcode: 3, layer: rule === undefined ? "default" : "user", rule });

const renderTime = (): string => `,"time":"${new Date(AT_MS).toISOString()}"`;

/** What pino writes for the same fields. */
function pinoLine(
  base: Readonly<Record<string, string>>,
  level: "warn" | "info",
  fields: object,
  msg: string,
) {
  let text = "";
  const formatters = { level: (label: string) => ({ level: label }) };
  const write = (line: string): void => {
    text += line;
  };
  pino({ base, timestamp: renderTime, formatters }, { write })[level](fields, msg);
  return text;
}

const anyText = fc.string({ unit: "binary", maxLength: 300 });

describe("the line of a denied lookup", () => {
  test("holds what was denied and by which rule", () => {
    expect(lineOf(denied("x.example.com", "*.example.com"), { team: "a", sandbox_id: "sbx-1" })).toBe(
      '{"level":"warn","time":"2026-01-02T03:04:05.678Z","team":"a","sandbox_id":"sbx-1",' +
        '"opensandbox.event":"egress.denied","decision":"denied","dns.question.type":"A",' +
        '"dns.response_code":"NXDOMAIN","layer":"user","target.host":"x.example.com",' +
        '"dns.question.name":"x.example.com","rule":"*.example.com","msg":"lookup denied"}\n',
    );
  });

  test("has no rule where the default action decided", () => {
    expect(lineOf(denied("x.example.com"))).toContain(
      '"dns.question.name":"x.example.com","msg":"lookup denied"}\n',
    );
  });

  test.each([
    ["quotes", 'a","layer":"allow', String.raw`a\",\"layer\":\"allow`],
    ["escaped octets", String.raw`a\010b\255`, String.raw`a\\010b\\255`],
    ["line feeds", "a\nb\r", String.raw`a\nb\r`],
    ["control characters", "\u0000\u001b[2J\u007f", "\\u0000\\u001b[2J\u007f"],
    ["what is not ASCII", "bücher.例え", "bücher.例え"],
    ["half a surrogate pair", "\ud800x", String.raw`\ud800x`],
    ["the longest name", String.raw`\000`.repeat(250), String.raw`\\000`.repeat(250)],
  ])("is one line of JSON for a name with %s", (_what, host, written) => {
    const line = lineOf(denied(host));
    expect(line).toContain(`"target.host":"${written}","dns.question.name":"${written}","msg"`);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(JSON.parse(line)).toMatchObject({ "target.host": host, msg: "lookup denied" });
  });

  test("says what an answer has lost, and to whom", () => {
    const [first, rule] = [Uint8Array.of(198, 51, 100, 7), `${'"'.repeat(300)}.example.org`];
    const lost = { count: 2, first, layer: "user", rule, reason: undefined } as const;
    const byRule = lookupOf("x", { addresses: ["198.51.100.99"], takenOut: lost });
    expect(JSON.parse(lineOf(byRule))).toMatchObject({
      "target.ips": ["198.51.100.99"],
      "withheld.count": 2,
      "withheld.ip": "198.51.100.7",
      "withheld.rule": rule,
    });
    const own = { ...lost, rule: undefined, reason: "own-network" } as const;
    expect(JSON.parse(lineOf(lookupOf("x", { takenOut: own })))).toMatchObject({
      "withheld.ip": "198.51.100.7",
      "withheld.reason": "own-network",
    });
  });

  test("has the fields that every line has at its moment", () => {
    let common = { sandbox_id: "a" };
    const lines = createLookupLines(() => common);
    const idOf = (): unknown => JSON.parse(textOf(lines.encode(denied("x")))).sandbox_id;
    expect(idOf()).toBe("a");
    common = { sandbox_id: "b" };
    expect(idOf()).toBe("b");
  });

  test("has the time of its own moment", () => {
    const lines = createLookupLines(fixed({}));
    const timeOf = (timeMs: number): unknown =>
      JSON.parse(textOf(lines.encode({ ...denied("x"), timeMs }))).time;
    expect(timeOf(AT_MS)).toBe("2026-01-02T03:04:05.678Z");
    expect(timeOf(AT_MS + 1)).toBe("2026-01-02T03:04:05.679Z");
    expect(timeOf(Date.UTC(12_026, 0))).toBe("+012026-01-01T00:00:00.000Z");
    expect(timeOf(AT_MS)).toBe("2026-01-02T03:04:05.678Z");
  });
});

const MESSAGES = {
  allowed: "lookup allowed",
  denied: "lookup denied",
  withheld: "lookup allowed, but every address is denied",
  nxdomain: "lookup allowed, but there is no such name",
  nodata: "lookup allowed, but there is no data",
  failed: "lookup failed",
  audited: "lookup audited",
};
const EVENTS = new Map<string, string>([
  ["denied", "egress.denied"],
  ["withheld", "egress.withheld"],
  ["audited", "egress.audited"],
]);

const someEvent = fc
  .record({
    name: anyText,
    decision: fc.constantFrom(...OUTCOMES),
    qtype: fc.oneof(fc.constantFrom(1, 28), fc.nat(65_535)),
    rcode: fc.oneof(fc.constantFrom(0, 2, 3), fc.nat(4095)),
    rule: fc.option(anyText, { nil: undefined }),
    reason: fc.option(fc.constantFrom(...REASONS), { nil: undefined }),
    upstream: fc.option(fc.constantFrom(0, 1), { nil: undefined }),
    durationMs: fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 120_000, noNaN: true })),
    addresses: fc.array(
      fc.ipV6().filter((ip) => !ip.includes(".")),
      { maxLength: 40 },
    ),
  })
  .map((given) => ({
    given,
    event: lookupOf(given.name, given),
  }));

/** Ours, in the order of the line. */
function fieldsOf(
  { name, decision, reason, ...given }: Parameters<typeof lookupOf>[1] & { name: string },
  ips: unknown,
) {
  const { qtype = 0, rcode = 0, rule, upstream, durationMs = 0 } = given;
  const type = { "dns.question.type": typeWord(qtype) };
  const code = { "dns.response_code": rcodeWord(rcode) };
  const failure =
    reason === undefined
      ? {}
      : decision === "failed"
        ? { error: REASON_WORDS[reason], "error.type": reason }
        : { reason };
  const host = { "target.host": name, "dns.question.name": name };
  return {
    "opensandbox.event": EVENTS.get(decision ?? "") ?? "egress.outbound",
    decision,
    ...(qtype < 32 ? type : {}),
    ...(rcode < 8 ? code : {}),
    layer: "user",
    ...host,
    ...(qtype < 32 ? {} : type),
    ...(rcode < 8 ? {} : code),
    ...(decision === "denied" ? {} : { "target.ips": ips, "dns.answers": ips }),
    ...(rule === undefined ? {} : { rule }),
    ...failure,
    ...(upstream === undefined
      ? {}
      : { "server.address": `192.0.2.${upstream}`, "server.port": 53 + upstream }),
    ...(durationMs === 0 ? {} : { "dns.lookup.duration": Math.round(durationMs * 1000) / 1_000_000 }),
  };
}

test("the line of any lookup is what pino writes for the same fields, and is not changed by the line before", () => {
  fc.assert(
    fc.property(anyText, anyText, fc.array(someEvent), (id, team, all) => {
      const common = { team, sandbox_id: id };
      const lines = createLookupLines(() => common);
      lines.setUpstreams([0, 1].map((index) => ({ address: `192.0.2.${index}`, port: 53 + index })));
      for (const { given, event } of all) {
        const { decision } = given;
        const line = textOf(lines.encode(event));
        const level = ["denied", "withheld", "failed", "audited"].includes(decision) ? "warn" : "info";
        const ips: unknown = JSON.parse(line)["target.ips"];
        expect(line).toBe(pinoLine(common, level, fieldsOf(given, ips), MESSAGES[decision]));
        const wanted = decision === "denied" ? undefined : given.addresses.length;
        expect(Array.isArray(ips) ? ips.length : undefined).toBe(wanted);
      }
    }),
  );
});
