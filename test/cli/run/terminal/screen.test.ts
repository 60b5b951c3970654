import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { holdLines } from "../../../../src/cli/run/terminal/held-lines.ts";
import { createScreen } from "../../../../src/cli/run/terminal/screen.ts";

function open() {
  const screen = createScreen();
  const shown: string[] = [];
  const lines = holdLines((text) => shown.push(text), screen);
  return { shown, lines, screen, command: (text: string) => screen.take(Buffer.from(text, "latin1")) };
}

test("a line is written at once, on a line of its own", () => {
  const { shown, lines, command } = open();
  lines.write("one\n");
  command("Password: ");
  lines.write("two\n");
  lines.write("three\n");
  command("x\r\n\u001B[0m");
  lines.write("four\n");
  expect(shown).toEqual(["one\n", "\ntwo\n", "three\n", "four\n"]);
});

test.each(["1049", "1047", "47", "25;1049"])(
  "while mode %s has the screen, lines wait until it is given back",
  async (mode) => {
    const { shown, lines, command } = open();
    command(`\u001B[?${mode}hfull screen`);
    lines.write("one\n");
    lines.write("two\n");
    expect(shown).toEqual([]);
    command(`more\u001B[?${mode}l`);
    await nextTurn();
    expect(shown.join("")).toBe("\none\ntwo\n");
  },
);

test("a switch that comes in two parts counts", () => {
  const { screen, command } = open();
  command("x\u001B[?10");
  command("49h");
  expect(screen.isTaken()).toBe(true);
  command("\u001B");
  command("c");
  expect(screen.isTaken()).toBe(false);
});

test("other modes take no screen", () => {
  const { screen, command } = open();
  command("\u001B[?25l\u001B[?2004h\u001B[49m");
  expect(screen.isTaken()).toBe(false);
});

test("what waits is written at the end, if the screen is never given back", () => {
  const { shown, lines, command } = open();
  command("\u001B[?1049h");
  lines.write("one\n");
  lines.release();
  lines.write("two\n");
  expect(shown.join("")).toBe("\none\ntwo\n");
});
