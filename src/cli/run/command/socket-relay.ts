/**
 * Sockets among this process's standard streams, for a command that may not hold them: it gets one end of a
 * pair of unix sockets in their place, and what is written to either side is carried to the other. So the
 * command can neither connect the caller's socket elsewhere nor be given descriptors over it. Like ssh(1), it
 * reads what comes before the command asks for it.
 */
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { createPoll, POLLHUP } from "../../../sys/poll.ts";
import { openSocketPair } from "../../../sys/stream-socket.ts";
import { duplicateDescriptor } from "../../../sys/terminal.ts";
import { carry } from "./carry.ts";
import { lookAtStream } from "./standard-streams.ts";

export interface SocketRelay {
  /** What the command gets for its standard stream `fd`; undefined if that is no socket. */
  inPlaceOf(fd: number): number | undefined;
  /** The command's process has its ends: they are closed here, and what comes is carried. Once. */
  start(): void;
  /** The command is gone: settles once all that it has written is carried, or nobody takes it any more. */
  finish(): Promise<void>;
  /** Carries nothing any more. */
  abandon(): void;
}

interface Pair {
  /** The caller's, as it is numbered here; the lowest, if it is several of the standard streams. */
  readonly fd: number;
  readonly inner: number;
  readonly outer: number;
}

/** In the network namespace of the command. Throws SystemCallError. */
export function openSocketRelay(): SocketRelay {
  const pairs = new Map<number, Pair>();
  const places = [0, 1, 2].map((fd) => {
    const stream = lookAtStream(fd);
    if (stream.kind !== "socket") return undefined;
    const known = pairs.get(stream.inode);
    if (known !== undefined) return known.inner;
    const [inner, outer] = openSocketPair();
    pairs.set(stream.inode, { fd, inner, outer });
    return inner;
  });
  let lines: readonly Line[] = [];
  return {
    inPlaceOf: (fd) => places[fd],
    start() {
      lines = [...pairs.values()].map(startLine);
    },
    finish: async () => void (await Promise.all(lines.map(({ carried }) => carried))),
    abandon() {
      for (const line of lines) line.end();
    },
  };
}

interface Line {
  readonly carried: Promise<void>;
  end(): void;
}

/**
 * Each direction has descriptors of its own: if one side takes nothing any more, what it has written before
 * is still carried. The caller's socket is read only if it is the standard input: otherwise its input is
 * meant for somebody else.
 */
function startLine({ fd, inner, outer }: Pair): Line {
  closeSync(inner);
  const poll = createPoll(outer);
  const writing = { readable: false, writable: true };
  const reading = { readable: true, writable: false };
  const toCaller = new Socket({ fd: duplicateDescriptor(fd), ...writing });
  const toCommand = new Socket({ fd: duplicateDescriptor(outer), ...writing });
  const fromCommand = new Socket({ fd: outer, ...reading });
  const fromCaller = fd === 0 ? new Socket({ fd: duplicateDescriptor(fd), ...reading }) : undefined;
  const all = [toCaller, toCommand, fromCommand, ...(fromCaller === undefined ? [] : [fromCaller])];
  const end = (): void => {
    for (const socket of all) socket.destroy();
  };
  for (const socket of all) socket.on("error", () => undefined); // its end says so
  if (fromCaller !== undefined) carry(fromCaller, toCommand, { ends: true });
  fromCaller?.on("close", () => toCommand.end()); // also if it has failed
  carry(fromCommand, toCaller, { ends: false });
  // The command has ended its writing, and is there still: its own descriptors are not closed.
  fromCommand.on("end", () => {
    if (!poll.has(POLLHUP)) toCaller.end();
  });
  toCaller.on("close", () => {
    if (toCaller.errored !== null) end(); // its peer is gone: so is the command's
  });
  const { promise: carried, resolve } = Promise.withResolvers<void>();
  fromCommand.on("close", () => {
    if (toCaller.writable) toCaller.write("", () => resolve());
    else if (toCaller.closed) resolve();
    else toCaller.once("close", resolve);
  });
  return { carried, end };
}
