/** Figures stand in one place: README has those of docs/performance.md, whose words repeat its own table. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(`${import.meta.dirname}/../../${path}`, "utf8");
const PERFORMANCE = read("docs/performance.md");
/** One text without line breaks, so that a sentence can be looked for. */
const joined = (markdown: string): string => markdown.replaceAll(/\s+/g, " ");
const README = joined(read("README.md"));
const WORDS = joined(PERFORMANCE.slice(0, PERFORMANCE.indexOf("\n## Figures")));

/** The cells of the table's row that begins so, without its first one; the first such row. */
function row(title: string): readonly string[] {
  const line = PERFORMANCE.split("\n").find((text) => text.startsWith(`| ${title} `));
  if (line === undefined) throw new Error(`docs/performance.md has no row "${title}"`);
  return line
    .split("|")
    .slice(2, -1)
    .map((cell) => cell.trim());
}

const whole = (text: string | undefined): number => Math.round(Number(text?.split(" / ")[0]));

test("the processor time of a lookup", () => {
  const [, dnsmasq, withSets, , dns, dnsNft] = row("the same, processor time each, us").map(whole);
  expect(WORDS).toContain(
    `costs the sidecar ${dns} us of processor time in mode \`dns\` and ${dnsNft} us in \`dns+nft\``,
  );
  expect(WORDS).toContain(`dnsmasq needs ${dnsmasq} us and, with \`--nftset\`, ${withSets}.`);
  expect(README).toContain(
    `${dns} us of processor time (\`dns+nft\`: ${dnsNft}; dnsmasq: ${dnsmasq} and ${withSets})`,
  );
});

test("what a change takes", () => {
  const times = ["names", "addresses", "rules of both kinds"].map((kind) =>
    whole(row(`PATCH of one rule at 4,096 ${kind}, p50 / p99, ms`)[5]),
  );
  const most = Math.max(...times);
  expect(WORDS).toContain(`is in memory, kernel and on disk after ${most} ms`);
  expect(README).toContain(`a change among 4,096 rules ${most} ms`);
});

test("the memory of an idle sidecar", () => {
  const [, , , , dns, dnsNft] = row("anonymous memory, idle, MiB").map(Number);
  const [least, most] = [dns, dnsNft].map((mib) => Math.round(mib ?? Number.NaN)).toSorted((a, b) => a - b);
  const range = least === most ? `${least} MiB` : `${least} to ${most} MiB`;
  expect(WORDS).toContain(`**Memory** is bounded: ${range} idle`);
  expect(README).toContain(`Idle, the sidecar holds ${range}`);
});

test("how long a start takes", () => {
  expect(WORDS).toContain(`**A start** takes ${row("start of the bundle to healthy, ms")[5]} ms`);
});
