/**
 * The terminal that a run was started at. The command never holds it: what it types into that terminal, or
 * reads from it, would be the business of the shell there. It gets a pseudo-terminal of its own, and this one
 * is only read and written by us.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { SystemCallError } from "../../../sys/errors.ts";
import {
  copyWindowSize,
  rawModes,
  readModes,
  renderModes,
  type TerminalModes,
  writeModes,
} from "../../../sys/terminal.ts";
import { createScreen, type Screen } from "./screen.ts";
import { guardModes, type ModesGuard } from "./modes-guard.ts";

export interface CallerTerminal extends Disposable {
  /** Which of the standard streams, 0 to 2, are this terminal. */
  readonly streams: readonly number[];
  /**
   * Open files of our own, so that not to block on them concerns nobody else. Two, as each is watched for one
   * thing.
   */
  readonly input: number;
  readonly output: number;
  /** What `adapt` was given shows on it. */
  readonly screen: Screen;
  /**
   * Whether we may read it now: whether we are the job in the foreground. True of a terminal that controls
   * nobody.
   */
  isOurs(): boolean;
  /** Has every octet pass as it is. Only while it is ours. */
  makeRaw(): void;
  isRaw(): boolean;
  /**
   * Puts back the modes from before `makeRaw`, if the terminal is still ours; otherwise its owner has set
   * modes of his own.
   */
  restore(): void;
  /** `text` for this terminal: while it is raw it adds no carriage return by itself. */
  render(text: string): string;
  /** What a terminal has written, for this one: while it is not raw it adds each carriage return itself. */
  adapt(octets: Buffer): Buffer;
  giveWindowSize(to: number): void;
  /**
   * Its modes, such as the characters that erase and interrupt; none while it is another's, who may have it
   * raw.
   */
  giveModes(to: number): void;
}

/** Undefined if no standard stream is a terminal. Disposing restores its modes. */
export function openCallerTerminal(): CallerTerminal | undefined {
  const first = [0, 1, 2].find((fd) => isatty(fd));
  if (first === undefined) return undefined;
  const device = fstatSync(first).rdev;
  const streams = [0, 1, 2].filter((fd) => isatty(fd) && fstatSync(fd).rdev === device);
  const [input, output] = [reopen(first), reopen(first)];
  const screen = createScreen();
  let saved: TerminalModes | undefined;
  let guard: ModesGuard | undefined;

  function restore(): void {
    if (saved === undefined) return;
    const modes = saved;
    if (isForeground(device)) unlessHungUp(() => writeModes(output, modes));
    guard?.dismiss();
    guard = undefined;
    saved = undefined;
  }
  process.on("exit", restore);

  function makeRaw(): void {
    const modes = saved ?? readModes(output);
    const raw = rawModes(modes);
    guard ??= guardModes(output, { now: renderModes(raw), later: renderModes(modes) });
    saved = modes;
    writeModes(output, raw);
  }

  return {
    streams,
    input,
    output,
    screen,
    isOurs: () => isForeground(device),
    makeRaw: () => unlessHungUp(makeRaw),
    isRaw: () => saved !== undefined,
    restore,
    render: (text) => (saved === undefined ? text : text.replaceAll("\n", "\r\n")),
    adapt(octets) {
      screen.take(octets);
      if (saved !== undefined || !octets.includes("\r\n")) return octets;
      return Buffer.from(octets.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
    },
    giveWindowSize: (to) => unlessHungUp(() => copyWindowSize(output, to)),
    giveModes(to) {
      if (isForeground(device)) unlessHungUp(() => writeModes(to, saved ?? readModes(output)));
    },
    [Symbol.dispose]() {
      restore();
      process.off("exit", restore);
      closeSync(input);
      closeSync(output);
    },
  };
}

/** Of a terminal that has been hung up nobody sees anything any more. */
function unlessHungUp(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== "EIO") throw error;
  }
}

function reopen(fd: number): number {
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
  return openSync(`/proc/self/fd/${fd}`, O_RDWR | O_NOCTTY | O_NONBLOCK);
}

/**
 * Of proc_pid_stat(5): our process group, the number of our controlling terminal, and the group in its
 * foreground.
 */
function isForeground(device: number): boolean {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(terminal) !== device || group === foreground;
}
