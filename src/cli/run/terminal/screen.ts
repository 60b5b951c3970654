/**
 * What the command has made of the screen, told by what it writes: whether it has taken it whole (the
 * alternate screen of xterm, as editors, pagers and many agents do), and whether the cursor stands at the
 * beginning of a line.
 */

export interface Screen {
  /** What is written to the terminal, in order. */
  take(octets: Buffer): void;
  isTaken(): boolean;
  isLineStart(): boolean;
  /** Whole lines of our own stand there now. */
  beginLine(): void;
  /** Called each time that the screen is given back, once that has been written. */
  onGivenBack(listener: () => void): void;
}

/** DECSET and DECRST with their numbers; RIS, which resets all. */
// oxlint-disable-next-line no-control-regex -- escape sequences begin with one
const SWITCH = /\u001B(?:\[\?([\d;]{1,40})([hl])|c)/g;
// oxlint-disable-next-line no-control-regex -- the same
const LINE_START = /\n(?:\u001B\[[\d;?]*[A-Za-z])*$/;
const ALTERNATE: ReadonlySet<string> = new Set(["47", "1047", "1049"]);
/** Longer than a switch that a read has cut in two. */
const TAIL_LENGTH = 48;

export function createScreen(): Screen {
  let tail = "";
  let isTaken = false;
  let isLineStart = true;
  let listener: (() => void) | undefined;
  return {
    take(octets) {
      if (octets.length === 0) return;
      const text = tail + octets.toString("latin1");
      const before = isTaken;
      for (const [, numbers, word] of text.matchAll(SWITCH)) {
        if (numbers === undefined) isTaken = false;
        else if (numbers.split(";").some((number) => ALTERNATE.has(number))) isTaken = word === "h";
      }
      tail = text.slice(-TAIL_LENGTH);
      isLineStart = LINE_START.test(tail);
      if (before && !isTaken) setImmediate(() => listener?.());
    },
    isTaken: () => isTaken,
    isLineStart: () => isLineStart,
    beginLine() {
      isLineStart = true;
    },
    onGivenBack(given) {
      listener = given;
    },
  };
}
