import type { Screen } from "./frame.ts";

export interface OpenScreen extends Disposable {
  size(): Screen;
  draw(lines: readonly string[]): void;
}

/** Control sequences of xterm: the alternate screen, the cursor, and where a frame begins. */
const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
const HOME = "\u001B[H";
const CLEAR_LINE = "\u001B[K";
const CLEAR_BELOW = "\u001B[J";

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const [CTRL_C, CTRL_D] = ["\u0003", "\u0004"];

/**
 * Takes the whole terminal and its keys until it is disposed. It calls `onEnd` on `q`, on Ctrl-C, and on the
 * signals that would end the process.
 */
export function openScreen(print: (text: string) => void, onEnd: () => void): OpenScreen {
  const { stdin, stdout } = process;
  const onKey = (keys: Buffer): void => {
    const text = keys.toString();
    if (text.includes("q") || text.includes(CTRL_C) || text.includes(CTRL_D)) onEnd();
  };
  for (const signal of ENDING) process.on(signal, onEnd);
  if (stdin.isTTY) stdin.setRawMode(true).on("data", onKey).resume();
  print(ENTER);
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    draw(lines) {
      print(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join("\r\n")}${CLEAR_BELOW}`);
    },
    [Symbol.dispose]() {
      print(LEAVE);
      if (stdin.isTTY) stdin.setRawMode(false).off("data", onKey).pause();
      for (const signal of ENDING) process.off(signal, onEnd);
    },
  };
}
