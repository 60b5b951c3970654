/** The figures as a picture: for each row a bar a column, drawn to the row's own scale. */
import type { Cell, RowResult } from "../experiment.ts";
import type { Column } from "../subjects/subject.ts";
import { formatFigure } from "./table.ts";

const WIDTH = 860;
const LABEL_WIDTH = 150;
const BAR_WIDTH = 560;
const BAR_HEIGHT = 14;
const GAP = 4;
const TITLE_HEIGHT = 26;
const MARGIN = 20;

const COLOURS: Readonly<Record<Column, string>> = {
  direct: "#b8b8b8",
  dnsmasq: "#7d9bbd",
  "dnsmasq --nftset": "#54779e",
  unbound: "#9a86b0",
  "ours dns": "#4c9f70",
  "ours dns+nft": "#1f6f43",
  beside: "#7fbf9a",
  relay: "#1f6f43",
  mitmproxy: "#b5651d",
  "names off": "#b8b8b8",
  "names on": "#1f6f43",
  "egress run": "#1f6f43",
  srt: "#9a86b0",
  bwrap: "#7d9bbd",
  "unshare -n": "#b8b8b8",
};

/** Rows that compare at least two columns; what only ours has is in the table. */
export function drawChart(results: readonly RowResult[], run: readonly string[]): string {
  const rows = results.filter(({ cells }) => cells.length > 1);
  const parts: string[] = [];
  let y = MARGIN;
  for (const line of run) {
    y += 14;
    parts.push(text(MARGIN, y, line, "note"));
  }
  for (const { row, cells } of rows) {
    y += TITLE_HEIGHT;
    const better = row.unit.endsWith("/s") ? "more is better" : "less is better";
    parts.push(text(MARGIN, y, `${row.title} (${row.unit}, ${better})`, "title"));
    y += GAP + 2;
    const longest = Math.max(...cells.map(({ value }) => value));
    for (const cell of cells) {
      parts.push(...drawBar(cell, longest, formatFigure(cell.value, row.unit), y));
      y += BAR_HEIGHT + GAP;
    }
  }
  const height = y + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif">
<style>.title{font-size:13px;font-weight:600}.note{font-size:10px;fill:#666}.label{font-size:11px}</style>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}

function drawBar(cell: Cell, longest: number, figure: string, y: number): readonly string[] {
  const width = Math.max((cell.value / longest) * BAR_WIDTH, 1);
  const baseline = y + BAR_HEIGHT - 3;
  const mark = cell.faults.length > 0 ? " *" : "";
  return [
    text(MARGIN, baseline, cell.column, "label"),
    `<rect x="${MARGIN + LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${COLOURS[cell.column]}"/>`,
    text(MARGIN + LABEL_WIDTH + width + 6, baseline, figure + mark, "label"),
  ];
}

function text(x: number, y: number, content: string, kind: "title" | "note" | "label"): string {
  return `<text x="${x.toFixed(1)}" y="${y}" class="${kind}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
