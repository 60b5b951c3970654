/**
 * The command's own terminal, joined to the caller's: what is written to the one is shown on the other, what
 * is typed is read.
 */
import { closeSync } from "node:fs";
import { duplicateDescriptor, openPseudoTerminal } from "../../../sys/terminal.ts";
import type { CallerTerminal } from "./caller-terminal.ts";
import { createPump, type Pump } from "./pump.ts";

export interface OwnTerminal {
  /**
   * `ptmx` is that of the command's /dev/pts, which this is the first terminal of. From now on its output is
   * shown.
   */
  open(ptmx: string): void;
  /** What is typed is the command's. Only while the caller's terminal is ours. */
  take(): void;
  /** What is typed is the caller's shell's again. */
  leave(): void;
  /** Gives it the size that the caller's terminal has now. */
  resize(): void;
  /** Nobody writes to it any more: settles once all is shown. */
  finish(): Promise<void>;
}

interface Line {
  readonly master: number;
  readonly reading: number;
  readonly input: Pump;
  readonly output: Pump;
}

export function createOwnTerminal(terminal: CallerTerminal): OwnTerminal {
  let line: Line | undefined;
  function leave(): void {
    line?.input.stop();
    terminal.restore();
  }
  return {
    open(ptmx) {
      line = openLine(terminal, ptmx);
      line.output.start();
    },
    take() {
      terminal.makeRaw();
      line?.input.start();
    },
    leave,
    resize() {
      if (line !== undefined) terminal.giveWindowSize(line.master);
    },
    async finish() {
      leave();
      if (line === undefined) return;
      await line.output.drain();
      closeSync(line.reading);
      closeSync(line.master);
      line = undefined;
    },
  };
}

function openLine(terminal: CallerTerminal, ptmx: string): Line {
  const master = openPseudoTerminal(ptmx);
  const reading = duplicateDescriptor(master);
  terminal.giveModes(master);
  terminal.giveWindowSize(master);
  return {
    master,
    reading,
    input: createPump({ from: terminal.input, to: master }),
    output: createPump({ from: reading, to: terminal.output, adapt: terminal.adapt }),
  };
}
