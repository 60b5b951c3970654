import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { blockOf } from "../readme/markdown.ts";
import { isShown, parseTranscript, steady } from "../readme/transcript.ts";
import { renderRecording } from "./render-recording.ts";

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
}

/** The session in a recording: its lines without the title. */
function sessionOf(svg: string): readonly string[] {
  return [...svg.matchAll(/<text class[^>]*>(?<text>[^<]*)</g)].map(({ groups }) =>
    (groups?.["text"] ?? "")
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&"),
  );
}

test("a line comes once the command before it has been typed and has run", () => {
  const svg = renderRecording("a <title>", [
    { command: "echo 'a & b'", output: ["a & b"], ms: 5000 },
    { command: "true", output: [], ms: 0 },
  ]);
  expect(sessionOf(svg)).toEqual(["$ echo 'a & b'", "a & b", "$ true"]);
  expect(svg).toContain("a &lt;title&gt;");
  const starts = [...svg.matchAll(/0%, (?<at>[\d.]+)%/g)].map(({ groups }) => Number(groups?.["at"]));
  expect(starts).toHaveLength(3);
  expect(starts).toEqual(starts.toSorted((one, other) => one - other));
});

test("README's recording shows README's session: draw it anew with npm run record", () => {
  const shown = parseTranscript(blockOf(read("README.md"), "run").lines);
  const recorded = parseTranscript(sessionOf(read("docs/egress-run.svg")));
  expect(recorded.map(({ command }) => command)).toEqual(shown.map(({ command }) => command));
  const differing = shown.filter(
    ({ output }, index) => !isShown(steady(output), steady(recorded[index]?.output ?? [])),
  );
  expect(differing).toEqual([]);
});
