import { expect, test } from "vitest";
import type { Denied } from "../../../../src/cli/run/report/ledger.ts";
import { renderStepSummary } from "../../../../src/cli/run/report/step-summary.ts";

const name = (subject: string, layer = "default"): Denied => ({
  kind: "name",
  subject,
  cause: { layer, rule: undefined },
  flow: undefined,
  host: undefined,
  count: 2,
});

test("nothing denied is no table", () => {
  expect(renderStepSummary({ denied: [], others: 0, failed: [] })).toBe("");
});

test("a name cannot become markup, nor end its cell or its line", () => {
  const text = renderStepSummary({ denied: [name("`a`|<b>\n# x")], others: 0, failed: [] });
  expect(text).toContain("| `'a'\\|<b>\\u{a}# x` | lookup | 2 |");
  expect(text).not.toContain("```yaml");
});

test("of many the first hundred are rows", () => {
  const denied = Array.from({ length: 130 }, (_, index) => name(`n${index}.example.org`));
  const text = renderStepSummary({ denied, others: 7, failed: [] });
  expect(text.split("\n").filter((line) => line.startsWith("| `"))).toHaveLength(100);
  expect(text).toContain("| and 30 more | | | |");
  expect(text).toContain("| only counted | | 7 | |");
});
