/**
 * The command as a job of the caller's shell, though in a terminal of its own. Process 1 of the confinement
 * watches it and tells when it has stopped (see `confinement.ts`); we then are stopped too, and everything
 * else that the command has started. What continues us continues all of it, in the foreground of its own
 * terminal if we are in that of the caller's.
 *
 * The caller's terminal is raw, and read, only while we are its foreground job and the command has it. In a
 * pipeline, that begins when the command asks for its terminal: the pager at the other end reads the same
 * one.
 */
import type { Duplex } from "node:stream";
import { constants } from "node:os";
import { childrenOf, deliver, stopBelow } from "../processes/process-tree.ts";
import type { CallerTerminal } from "./caller-terminal.ts";
import { canBeStopped } from "../processes/job-place.ts";
import { createOwnTerminal } from "./own-terminal.ts";
import { readReports } from "./reports.ts";

export interface TerminalJob {
  /** The command has ended: settles once all that it has written is on the caller's terminal. */
  finish(): Promise<void>;
}

export interface JobOptions {
  readonly terminal: CallerTerminal;
  /** The line to process 1: see `reports.ts`. Each report is answered by a line. */
  readonly control: Duplex;
  /** Process 1 of the confinement, as this process numbers it. */
  readonly init: () => number | undefined;
  /** Whether the caller's terminal is another program's as well, as in a pipeline. */
  readonly isShared: boolean;
  /** Somebody else than process 1 speaks on its line: the command has it. Once. */
  readonly onForeign: () => void;
}

const { SIGTTIN, SIGTTOU } = constants.signals;

export function followJob({ terminal, control, init, isShared, onForeign }: JobOptions): TerminalJob {
  const own = createOwnTerminal(terminal);
  let isRunning = false;
  let hasStarted = false;
  let wantsForeground = !isShared;
  const answer = (word: string): void => void control.write(`${word}\n`);

  function goOn(): void {
    isRunning = true;
    const where = wantsForeground && terminal.isOurs() ? "fg" : "bg";
    if (where === "fg") own.take();
    own.resize();
    answer(where);
  }

  /**
   * The command has stopped: so does everything below process 1, and so do we. Returns once we are continued.
   */
  function stop(signal: NodeJS.Signals): void {
    const stopped = stopBelow(init());
    own.leave();
    process.off("SIGTSTP", onStopSignal);
    process.kill(0, signal);
    process.on("SIGTSTP", onStopSignal);
    for (const pid of stopped) deliver(pid, "SIGCONT");
  }

  function onStopped(signal: number): void {
    isRunning = false;
    const wantsTerminal = signal === SIGTTIN || signal === SIGTTOU;
    if (wantsTerminal) wantsForeground = true;
    const isFirst = !hasStarted;
    hasStarted = true;
    if (isFirst || (wantsTerminal && terminal.isOurs())) return goOn();
    if (canBeStopped()) stop(stopSignalOf(signal));
    else if (wantsTerminal) return void control.end(); // which ends it: it would wait for ever
    goOn();
  }

  /** The command has not begun, so nobody but our set-up has made what the path leads to. */
  function onReady(): void {
    own.open(`/proc/${init() ?? 0}/root/dev/pts/ptmx`);
    answer("go");
  }

  /**
   * Not from the command's own terminal, which stops the command itself: a report tells its end, as any
   * other.
   */
  const onStopSignal = (): void => {
    if (isRunning) stopCommand(init());
  };
  /** After a SIGSTOP, of which nobody learns, the shell has had the terminal. */
  const onContinue = (): void => {
    if (!isRunning || !terminal.isRaw()) return;
    if (terminal.isOurs()) return own.take();
    own.leave();
  };
  const stopListening = listen({ SIGTSTP: onStopSignal, SIGCONT: onContinue, SIGWINCH: own.resize });
  control.on("error", () => undefined); // process 1 is gone, which its end says
  readReports(control, { onReady, onStopped, onForeign });

  return {
    async finish() {
      stopListening();
      control.destroy();
      await own.finish();
    },
  };
}

function stopCommand(init: number | undefined): void {
  const [command] = init === undefined ? [] : childrenOf(init);
  if (command !== undefined) deliver(command, "SIGSTOP");
}

function stopSignalOf(signal: number): NodeJS.Signals {
  if (signal === SIGTTIN) return "SIGTTIN";
  return signal === SIGTTOU ? "SIGTTOU" : "SIGTSTP";
}

/** Gives back what ends it. */
function listen(listeners: Readonly<Record<string, () => void>>): () => void {
  for (const [signal, listener] of Object.entries(listeners)) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of Object.entries(listeners)) process.off(signal, listener);
  };
}
