/**
 * Terminals: modes, window sizes, and pseudo-terminals (termios(3), ioctl_tty(2), pty(7)). Each call throws
 * SystemCallError.
 */
import { closeSync, constants, openSync } from "node:fs";
import { createArena } from "./arena.ts";
import { mustCall } from "./libc.ts";

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TIOCSPTLCK = 0x4004_5431;
const F_DUPFD_CLOEXEC = 1030;

/**
 * The kernel's `struct termios`: input, output, control and local flags, 4 octets each, the line discipline,
 * 19 control characters.
 */
const MODES_LENGTH = 36;
const CONTROL_CHARACTERS = 17;
const VTIME = 5;
const VMIN = 6;

const IGNBRK_BRKINT_PARMRK = 0o13;
const ISTRIP_INLCR_IGNCR_ICRNL = 0o740;
const IXON = 0o2000;
const OPOST = 0o1;
const CSIZE_PARENB = 0o460;
const CS8 = 0o60;
const ISIG_ICANON = 0o3;
const ECHO_ECHONL = 0o110;
const IEXTEN = 0o100000;

/** A terminal's modes, as the kernel keeps them. Equal modes have equal octets. */
export type TerminalModes = Buffer;

export function readModes(fd: number): TerminalModes {
  const scratch = createArena(MODES_LENGTH);
  mustCall("TCGETS", "ioctl", fd, TCGETS, scratch.address(0));
  return Buffer.from(scratch.octets.subarray(0, MODES_LENGTH));
}

/** At once. A process that is in the background of this terminal is stopped by it (SIGTTOU). */
export function writeModes(fd: number, modes: TerminalModes): void {
  const scratch = createArena(MODES_LENGTH);
  scratch.octets.set(modes);
  mustCall("TCSETS", "ioctl", fd, TCSETS, scratch.address(0));
}

/** Octets pass both ways as they are, and none of them is a signal: as cfmakeraw(3) has it. */
export function rawModes(modes: TerminalModes): TerminalModes {
  const raw = Buffer.from(modes);
  const clear = (at: number, bits: number): void => {
    raw.writeUInt32LE((raw.readUInt32LE(at) & ~bits) >>> 0, at);
  };
  clear(0, IGNBRK_BRKINT_PARMRK | ISTRIP_INLCR_IGNCR_ICRNL | IXON);
  clear(4, OPOST);
  clear(8, CSIZE_PARENB);
  raw.writeUInt32LE((raw.readUInt32LE(8) | CS8) >>> 0, 8);
  clear(12, ISIG_ICANON | ECHO_ECHONL | IEXTEN);
  raw[CONTROL_CHARACTERS + VMIN] = 1;
  raw[CONTROL_CHARACTERS + VTIME] = 0;
  return raw;
}

/**
 * As `stty -g` writes them, for `stty` to read: hexadecimal, the flags and then the C library's 32 control
 * characters.
 */
export function renderModes(modes: TerminalModes): string {
  const flags = [0, 4, 8, 12].map((at) => modes.readUInt32LE(at));
  const characters = Array.from({ length: 32 }, (_, n) => modes[CONTROL_CHARACTERS + n] ?? 0);
  return [...flags, ...characters].map((value) => value.toString(16)).join(":");
}

/**
 * Gives one terminal the window size of another; its foreground processes get SIGWINCH if it is new.
 */
export function copyWindowSize(from: number, to: number): void {
  const scratch = createArena(8);
  mustCall("TIOCGWINSZ", "ioctl", from, TIOCGWINSZ, scratch.address(0));
  mustCall("TIOCSWINSZ", "ioctl", to, TIOCSWINSZ, scratch.address(0));
}

/**
 * Opens a new pseudo-terminal of the devpts(5) instance that `ptmx` is in; its first is `pts/0`. What is
 * given back is the master, which does not block; modes and size set on it are those of the other side.
 */
export function openPseudoTerminal(ptmx: string): number {
  const fd = openSync(ptmx, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    mustCall("TIOCSPTLCK", "ioctl", fd, TIOCSPTLCK, createArena(4).address(0));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Another number for the same open file: one event loop watches a number once. Programs that are started do
 * not get it.
 */
export function duplicateDescriptor(fd: number): number {
  return mustCall("F_DUPFD_CLOEXEC", "fcntl", fd, F_DUPFD_CLOEXEC, 0);
}
