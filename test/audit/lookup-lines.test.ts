import * as fc from "fast-check";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import type { EncodedLine } from "../../src/audit/line-queue.ts";
import { createLookupLines } from "../../src/audit/lookup-lines.ts";
import { nameOf } from "../support/policy.ts";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function textOf({ octets, length }: EncodedLine): string {
  return octets().toString("utf8", 0, length());
}

const renderTime = (): string => `,"time":"${new Date(AT).toISOString()}"`;

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
    const lines = createLookupLines({ team: "a", sandbox_id: "sbx-1" }, () => AT);
    const line = lines.denied({ host: "x.example.com", layer: "user", rule: "*.example.com" });
    expect(textOf(line)).toBe(
      '{"level":"warn","time":"2026-01-02T03:04:05.678Z","team":"a","sandbox_id":"sbx-1",' +
        '"opensandbox.event":"egress.denied","target.host":"x.example.com","layer":"user","rule":"*.example.com",' +
        '"msg":"lookup denied"}\n',
    );
  });

  test("has no rule where the default action decided", () => {
    const lines = createLookupLines({}, () => AT);
    expect(textOf(lines.denied({ host: "x.example.com", layer: "default", rule: undefined }))).toBe(
      '{"level":"warn","time":"2026-01-02T03:04:05.678Z","opensandbox.event":"egress.denied",' +
        '"target.host":"x.example.com","layer":"default","msg":"lookup denied"}\n',
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
    const line = textOf(createLookupLines({}).denied({ host, layer: "default", rule: undefined }));
    expect(line).toContain(`"target.host":"${written}","layer":"default"`);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(JSON.parse(line)).toMatchObject({ "target.host": host, msg: "lookup denied" });
  });

  test("is what pino writes, whatever the texts, and is not changed by the line before", () => {
    fc.assert(
      fc.property(
        anyText,
        anyText,
        fc.array(fc.tuple(anyText, anyText, fc.option(anyText))),
        (id, team, all) => {
          const common = { team, sandbox_id: id };
          const lines = createLookupLines(common, () => AT);
          for (const [host, layer, found] of all) {
            const rule = found ?? undefined;
            const fields = { "opensandbox.event": "egress.denied", "target.host": host, layer, rule };
            expect(textOf(lines.denied({ host, layer, rule }))).toBe(
              pinoLine(common, "warn", fields, "lookup denied"),
            );
          }
        },
      ),
    );
  });

  test("has the time of its own moment", () => {
    let nowMs = AT;
    const lines = createLookupLines({}, () => nowMs);
    const timeOfNext = (): unknown =>
      JSON.parse(textOf(lines.denied({ host: "x", layer: "default", rule: undefined }))).time;
    expect(timeOfNext()).toBe("2026-01-02T03:04:05.678Z");
    nowMs += 1;
    expect(timeOfNext()).toBe("2026-01-02T03:04:05.679Z");
    nowMs = Date.UTC(12_026, 0);
    expect(timeOfNext()).toBe("+012026-01-01T00:00:00.000Z");
    nowMs = AT;
    expect(timeOfNext()).toBe("2026-01-02T03:04:05.678Z");
  });
});

describe("the line of an allowed lookup", () => {
  test("is what pino writes, with its addresses and why there are none", () => {
    const host = nameOf("www.example.org");
    fc.assert(
      fc.property(fc.array(fc.ipV6(), { maxLength: 40 }), fc.option(anyText), (ips, found) => {
        const error = found ?? undefined;
        const fields = {
          "opensandbox.event": "egress.outbound",
          "target.host": host,
          "target.ips": ips,
          error,
        };
        expect(textOf(createLookupLines({}, () => AT).allowed({ host, ips, error }))).toBe(
          pinoLine({}, "info", fields, "lookup allowed"),
        );
      }),
    );
  });
});
