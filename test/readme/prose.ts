/** What is prose on a Markdown page: neither code nor a table. */

/** A line of prose, and its number on the page, from 1. */
export interface ProseLine {
  readonly number: number;
  readonly text: string;
}

/** The lines of prose, in order, without fenced and indented blocks, tables and pictures. */
export function proseLines(markdown: string): readonly ProseLine[] {
  let fenced = false;
  let indented = false;
  let afterBlank = true;
  const found: ProseLine[] = [];
  for (const [index, text] of markdown.split("\n").entries()) {
    const fence = /^\s*```/.test(text);
    indented = /^ {4}/.test(text) && (indented || afterBlank);
    afterBlank = text.trim() === "";
    if (fence) fenced = !fenced;
    else if (!fenced && !indented && !/^\s*(?:\||!\[)/.test(text)) found.push({ number: index + 1, text });
  }
  return found;
}

/**
 * The numbers of prose lines past `columns`. What cannot be broken does not count: a link's target, and a
 * line that is one word.
 */
export function longLines(markdown: string, columns: number): readonly number[] {
  return proseLines(markdown)
    .filter(({ text }) => {
      const words = text.replace(/^\s*(?:[-*>]|\d+\.) +/, "").trim();
      return text.replaceAll(/\]\([^)]*\)/g, "]").length > columns && /\s/.test(words);
    })
    .map(({ number }) => number);
}

/** All that is not fenced, as one text: tables too, lines joined by blanks, without what is in backticks. */
export function proseText(markdown: string): string {
  return markdown
    .replaceAll(/^\s*```[^]*?^\s*```$/gm, "")
    .split("\n")
    .map((text) => text.trim())
    .join(" ")
    .replaceAll(/`[^`]*`/g, "``")
    .replaceAll(/ +/g, " ");
}

/** Sentences of more than `most` words, on a page without code, tables and headings; a link is its text. */
export function longSentences(markdown: string, most: number): readonly string[] {
  return markdown
    .replaceAll(/^\s*```[^]*?^\s*```$/gm, "")
    .split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/)
    .filter((paragraph) => !/^\s*[|#]/.test(paragraph))
    .flatMap((paragraph) =>
      paragraph
        .replaceAll(/\]\([^)]*\)/g, "]")
        .trim()
        .split(/(?<=[.?!])\)?\s+(?=[A-Z`*[])/),
    )
    .map((sentence) => sentence.replaceAll(/\s+/g, " "))
    .filter((sentence) => sentence.split(" ").length > most);
}
