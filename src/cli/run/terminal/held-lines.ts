/**
 * Lines of our own on a terminal that the command writes to as well: they begin a line, and wait as long as a
 * program has the whole screen.
 */
import type { Screen } from "./screen.ts";

export interface HeldLines {
  write(lines: string): void;
  /** The command has ended: what waits is written, and nothing waits any more. */
  release(): void;
}

export function holdLines(write: (lines: string) => void, screen: Screen | undefined): HeldLines {
  if (screen === undefined) return { write, release: () => undefined };
  let waiting: string[] = [];
  let isReleased = false;
  function put(lines: string): void {
    write(screen?.isLineStart() === false ? `\n${lines}` : lines);
    screen?.beginLine();
  }
  function flush(): void {
    if (waiting.length > 0) put(waiting.join(""));
    waiting = [];
  }
  screen.onGivenBack(() => {
    if (!screen.isTaken()) flush();
  });
  return {
    write(lines) {
      if (screen.isTaken() && !isReleased) waiting.push(lines);
      else put(lines);
    },
    release() {
      isReleased = true;
      flush();
    },
  };
}
