import { describe, expect, test } from "vitest";
import { type Settings, readEverySetting, readSettings } from "../../src/config.ts";
import { VARIABLES } from "../../src/config/variables.ts";
import { renderPolicy } from "../../src/policy/policy.ts";
import { CASES } from "./setting-cases.ts";

function settings(env: Record<string, string>): Settings {
  const result = readSettings(env);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

function problems(env: Record<string, string>) {
  const result = readSettings(env);
  return result.ok ? [] : result.problems;
}

const accepted = CASES.flatMap(({ name, accepted: texts }) =>
  texts.map(([text, expected]) => ({ name, text, expected })),
);
const warned = CASES.flatMap(({ name, warned: texts = [] }) =>
  texts.map(([text, expected]) => ({ name, text, expected })),
);
const refused = CASES.flatMap(({ name, refused: texts }) => texts.map((text) => ({ name, text })));

describe("settings", () => {
  test("every variable has its row here", () => {
    const names = Object.values(VARIABLES).map(({ name }) => name);
    expect(CASES.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  test.each(accepted)("$name=$text is read", ({ name, text, expected }) => {
    expect(settings({ [name]: text })).toMatchObject(expected);
  });

  test.each(warned)("$name=$text is read with one warning", ({ name, text, expected }) => {
    expect(readEverySetting({ [name]: text })).toMatchObject({
      settings: expected,
      problems: [],
      warnings: [{ path: name }],
    });
  });

  test.each(accepted)("$name=$text needs no warning", ({ name, text }) => {
    expect(readEverySetting({ [name]: text }).warnings).toEqual([]);
  });

  test.each(refused)("$name=$text is one problem that says what is accepted", ({ name, text }) => {
    const found = problems({ [name]: text });
    expect(found).toHaveLength(1);
    expect(found[0]?.path).toBe(name);
    expect(found[0]?.message).toMatch(/ \(accepted: .+\)$/);
    expect(found[0]?.message).not.toContain("\n");
  });

  test("keep the first policy's own spelling", () => {
    const { rules } = settings({
      OPENSANDBOX_EGRESS_RULES: '{"egress":[{"action":" ALLOW ","target":"Example.ORG."}]}',
    });
    expect(renderPolicy(rules).egress).toEqual([{ action: "allow", target: "Example.ORG." }]);
  });

  test("take ten upstreams at most", () => {
    const text = Array.from({ length: 12 }, (_, n) => `192.0.2.${n + 1}`).join(",");
    expect(settings({ OPENSANDBOX_EGRESS_DNS_UPSTREAM: text }).upstreams).toHaveLength(10);
  });

  test("post OTLP metrics where the variable of metrics alone says", () => {
    const { otlpMetricsUrl } = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://a.example.org/",
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://b.example.org/x",
    });
    expect(otlpMetricsUrl).toBe("http://b.example.org/x");
  });

  test("report all that is wrong at once", () => {
    const found = problems({
      OPENSANDBOX_EGRESS_MODE: "x",
      OPENSANDBOX_EGRESS_MAX_RULES: "x",
      OPENSANDBOX_EGRESS_HTTP_ADDR: "x",
    });
    expect(found.map(({ path }) => path)).toEqual([
      "OPENSANDBOX_EGRESS_MODE",
      "OPENSANDBOX_EGRESS_HTTP_ADDR",
      "OPENSANDBOX_EGRESS_MAX_RULES",
    ]);
  });

  test.each(["OPENSANDBOX_EGRESS_TOKEN", "OPENSANDBOX_EGRESS_DENY_WEBHOOK", "OTEL_EXPORTER_OTLP_ENDPOINT"])(
    "never show the value of %s",
    (name) => {
      const found = problems({ [name]: " ftp://user:hunter2@example.org\u0007" });
      expect(JSON.stringify(found)).not.toContain("hunter2");
      expect(found).toHaveLength(1);
    },
  );
});

test("what says nothing in the initial policy is a warning with its place", () => {
  const text = '{"egress":[{"target":"a.example","note":"x"}]}';
  const reading = readEverySetting({ OPENSANDBOX_EGRESS_RULES: text });
  expect(reading.problems).toEqual([]);
  expect(reading.warnings).toEqual([
    { path: "OPENSANDBOX_EGRESS_RULES", message: expect.stringMatching(/^egress\[0\]\.note: /) },
  ]);
});
