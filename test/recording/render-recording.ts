/**
 * A terminal session as one SVG that plays by itself, for pages: no script, nothing loaded from elsewhere,
 * still if the reader wants no motion.
 */

export interface TypedCommand {
  readonly command: string;
  /** Its lines, as a terminal showed them. */
  readonly output: readonly string[];
  /** How long it ran. */
  readonly ms: number;
}

const LINE = 20;
const COLUMN = 7.83;
const PAD = 16;
const TITLE_BAR = 30;
/** A reader's pace: before a command, for each letter of it, for each line of output, and at the end. */
const PAUSE_MS = 900;
const LETTER_MS = 28;
const READ_MS = 250;
const END_MS = 6000;

interface ShownLine {
  readonly text: string;
  readonly kind: "command" | "output" | "denied";
  readonly atMs: number;
}

/**
 * The picture: each line comes when it came, with the reader's pauses added, and all begins anew at the end.
 */
export function renderRecording(title: string, commands: readonly TypedCommand[]): string {
  const { lines, endMs } = timeLines(commands);
  const columns = Math.max(...lines.map(({ text }) => text.length));
  const width = Math.ceil(columns * COLUMN) + 2 * PAD;
  const height = TITLE_BAR + lines.length * LINE + 2 * PAD;
  const shown = lines.map((line, index) => renderLine(line, index, endMs));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">
<style>
  text { font: 13px ui-monospace, monospace; white-space: pre; fill: #d7dde5 }
  .command { fill: #ffffff; font-weight: 600 }
  .denied { fill: #ff9d8a }
  @media (prefers-reduced-motion: reduce) { text { animation: none !important } }
${shown.map(({ style }) => style).join("\n")}
</style>
<rect width="${width}" height="${height}" rx="8" fill="#12181f"/>
<text x="${PAD}" y="20" style="fill: #8795a6">${escape(title)}</text>
${shown.map(({ text }) => text).join("\n")}
</svg>
`;
}

function timeLines(commands: readonly TypedCommand[]): { lines: readonly ShownLine[]; endMs: number } {
  const lines: ShownLine[] = [];
  let atMs = 0;
  for (const { command, output, ms } of commands) {
    atMs += PAUSE_MS;
    lines.push({ text: `$ ${command}`, kind: "command", atMs });
    atMs += command.length * LETTER_MS + ms;
    for (const text of output) {
      lines.push({ text, kind: /\bdenied\b|Could not/.test(text) ? "denied" : "output", atMs });
      atMs += READ_MS;
    }
  }
  return { lines, endMs: atMs + END_MS };
}

function renderLine(
  { text, kind, atMs }: ShownLine,
  index: number,
  endMs: number,
): { style: string; text: string } {
  const from = ((atMs / endMs) * 100).toFixed(2);
  const y = TITLE_BAR + PAD + index * LINE;
  return {
    style: `  @keyframes l${index} { 0%, ${from}% { opacity: 0 } ${from}1%, 100% { opacity: 1 } }
  .l${index} { animation: l${index} ${(endMs / 1000).toFixed(1)}s infinite }`,
    text: `<text class="${kind} l${index}" x="${PAD}" y="${y}">${escape(text)}</text>`,
  };
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
