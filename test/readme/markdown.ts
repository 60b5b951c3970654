/**
 * The parts of a Markdown page that tests hold it to: fenced blocks, tables, links. Reads what this project's
 * pages use, not all of Markdown.
 */

export interface Block {
  /** The first word after the fence, such as `sh`. */
  readonly language: string;
  /** The second, such as `session`: what a test knows the block by. */
  readonly tag: string;
  readonly lines: readonly string[];
}

export type Row = readonly string[];

/** Fenced blocks, in their order. */
export function findBlocks(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(?<language>\w*)(?: (?<tag>\w+))?\n(?<body>[^]*?)^```$/gm)].map(
    ({ groups }) => ({
      language: groups?.["language"] ?? "",
      tag: groups?.["tag"] ?? "",
      lines: (groups?.["body"] ?? "").replace(/\n$/, "").split("\n"),
    }),
  );
}

/** The one block with that tag; throws when there is another number of them. */
export function blockOf(markdown: string, tag: string): Block {
  const found = findBlocks(markdown).filter((block) => block.tag === tag);
  const [block] = found;
  if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks are tagged ${tag}`);
  return block;
}

/**
 * The body of the first table after a line that contains `after`; its head is left out, a cell's `\|` is `|`.
 */
export function tableAfter(markdown: string, after: string): readonly Row[] {
  const from = markdown.indexOf(after);
  if (from === -1) throw new Error(`nothing says ${after}`);
  const lines = markdown.slice(from).split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end === -1 ? undefined : end).map(splitRow);
}

/** Where the page's links lead, without those to other sites. */
export function localLinks(markdown: string): readonly string[] {
  return [...markdown.matchAll(/\]\((?<target>[^)]+)\)/g)]
    .map(({ groups }) => groups?.["target"] ?? "")
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Everything between backticks outside fenced blocks. */
export function codeSpans(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/`(?<code>[^`\n]+)`/g)].map(({ groups }) => groups?.["code"] ?? "");
}

/** The anchors of the page's headings, as code hosts make them. */
export function anchors(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/^#+ (?<title>.+)$/gm)].map(({ groups }) =>
    (groups?.["title"] ?? "")
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );
}

function splitRow(line: string): Row {
  return line
    .replace(/^\|/, "")
    .replace(/\|\s*$/, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll(String.raw`\|`, "|"));
}
