/**
 * One frame of `egress top`, as lines that fit the screen. Names are text: controls are escaped, and what is
 * too long is cut.
 */
import type { SidecarStatus } from "../../client/client.ts";
import { oneLine } from "../../policy/problem.ts";
import type { Paint } from "../paint.ts";
import type { Board, BoardRow } from "./board.ts";

type FrameStatus = Pick<SidecarStatus, "health" | "mode" | "enforcementMode" | "audit" | "learned">;

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

export function renderFrame(
  board: Board,
  status: FrameStatus,
  { screen, paint, nowMs }: { readonly screen: Screen; readonly paint: Paint; readonly nowMs: number },
): readonly string[] {
  const fit = (text: string, taken = 0): string =>
    oneLine(text).slice(0, Math.max(0, screen.columns - taken));
  const { health, mode, enforcementMode, audit, learned } = status;
  const word = health.ok ? "healthy" : "unhealthy";
  const state = health.ok ? paint.good(word) : paint.bad(word);
  const shown = -Math.max(1, Math.min(60, screen.columns - BESIDE_BARS));
  const { allowed, denied } = board.rates(nowMs);
  const head = [
    `${state}  ${fit(`${mode} (${enforcementMode}), ${learned.total} addresses open, ${board.total()} decisions`, word.length + 2)}`,
    ...(audit.enabled ? [paint.strong(fit("audit mode is on: the policy denies nothing"))] : []),
    ...(health.ok ? [] : [paint.bad(fit(health.reason ?? ""))]),
    `allowed ${paint.good(spark(allowed.slice(shown)))} ${sum(allowed)} in a minute`,
    `denied  ${paint.bad(spark(denied.slice(shown)))} ${sum(denied)} in a minute`,
    "",
    paint.strong(fit(`${"DENIED".padStart(8)} ${"ALLOWED".padStart(8)} ${"FAILED".padStart(8)}  TARGET`)),
  ];
  const room = Math.max(0, screen.rows - head.length - 1);
  return [
    ...head,
    ...board
      .rows()
      .slice(0, room)
      .map((row) => paintRow(row, fit(renderRow(row)), paint)),
    paint.faint(fit("q ends it")),
  ];
}

function renderRow({ target, allowed, denied, failed, last }: BoardRow): string {
  const counts = [denied, allowed, failed].map((count) => String(count).padStart(8)).join(" ");
  const by = last.rule === undefined ? "" : `  (${last.decision} by ${last.rule})`;
  return `${counts}  ${target}${by}`;
}

function paintRow({ denied }: BoardRow, text: string, paint: Paint): string {
  return denied > 0 ? paint.bad(text) : text;
}

/** What stands on a line of bars besides them. */
const BESIDE_BARS = 32;
const BARS = Array.from(" ▁▂▃▄▅▆▇█");

function spark(counts: readonly number[]): string {
  const most = Math.max(1, ...counts);
  return counts.map((count) => BARS[Math.ceil((count / most) * (BARS.length - 1))] ?? " ").join("");
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
