import { describe, expect, test } from "vitest";
import { createBoard } from "../../../src/cli/top/board.ts";
import { renderFrame } from "../../../src/cli/top/frame.ts";
import { choosePaint } from "../../../src/cli/paint.ts";
import type { Decision, SidecarStatus } from "../../../src/client/client.ts";

const NOW_MS = Date.UTC(2026, 0, 2);
const PLAIN = choosePaint({ env: {} });

const lookup = (name: string, decision: Decision["decision"], rule?: string): Decision => ({
  id: "run-1",
  time: new Date(NOW_MS).toISOString(),
  kind: "lookup",
  decision,
  name,
  addresses: [],
  layer: "user",
  ...(rule === undefined ? {} : { rule }),
});

const STATUS: Pick<SidecarStatus, "health" | "mode" | "enforcementMode" | "audit" | "learned"> = {
  health: { ok: true },
  mode: "enforcing",
  enforcementMode: "dns+nft",
  audit: { enabled: false },
  learned: { total: 3, bound: 10, addresses: [] },
};

function frameOf(board: ReturnType<typeof createBoard>, columns = 80, rows = 24) {
  return renderFrame(board, STATUS, { screen: { columns, rows }, paint: PLAIN, nowMs: NOW_MS });
}

describe("a frame", () => {
  test("has the targets with most denials first, each with the rule of its last decision", () => {
    const board = createBoard();
    for (let count = 0; count < 9; count += 1) board.add(lookup("often.example.org", "allowed"), NOW_MS);
    board.add(lookup("ads.example.org", "denied", "*.ads.example"), NOW_MS);
    const lines = frameOf(board);
    const shown = lines.filter((line) => line.includes("example.org"));
    expect(shown[0]).toMatch(/^ +1 +0 +0 {2}ads\.example\.org {2}\(denied by \*\.ads\.example\)$/);
    expect(shown[1]).toMatch(/^ +0 +9 +0 {2}often\.example\.org$/);
    expect(lines[0]).toContain("10 decisions");
  });

  test.each([20, 40, 80, 200])("fits %i columns and its rows, whatever the names", (columns) => {
    const board = createBoard();
    for (let index = 0; index < 100; index += 1)
      board.add(lookup(`${"x".repeat(200)}${index}.example.org`, "denied"), NOW_MS);
    const lines = frameOf(board, columns, 12);
    expect(lines.length).toBeLessThanOrEqual(12);
    const rows = lines.slice(4);
    expect(Math.max(...rows.map((line) => line.length))).toBeLessThanOrEqual(columns);
  });

  test("names move no cursor", () => {
    const board = createBoard();
    board.add(lookup("\u001B[2Jevil\r\n", "denied"), NOW_MS);
    const text = frameOf(board).join("");
    expect([text.includes("\u001B"), text.includes("\r")]).toEqual([false, false]);
    expect(text).toContain(String.raw`\u{1b}[2Jevil`);
  });
});

const painted = (options: Parameters<typeof choosePaint>[0]) => choosePaint(options).bad("x") !== "x";

test("colours are for terminals, and not if NO_COLOR is set", () => {
  expect(painted({ isTerminal: true, env: {} })).toBe(true);
  expect(painted({ isTerminal: true, env: { NO_COLOR: "1" } })).toBe(false);
  expect(painted({ isTerminal: true, env: { TERM: "dumb" } })).toBe(false);
  expect(painted({ isTerminal: false, env: {} })).toBe(false);
});

test("of many targets the one not seen for longest goes", () => {
  const board = createBoard();
  board.add(lookup("first.example.org", "denied"), NOW_MS);
  for (let index = 0; index < 1024; index += 1) board.add(lookup(`${index}.example.org`, "denied"), NOW_MS);
  const targets = board.rows().map(({ target }) => target);
  expect([targets.length, targets.includes("first.example.org")]).toEqual([1024, false]);
});
