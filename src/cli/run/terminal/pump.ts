/**
 * Carries octets from one terminal to another: as fast as the far end takes them, and never more at a time
 * than fit its buffer.
 */
import { readSync, writeSync } from "node:fs";
import { untilWritable, type Watch, watchReadable } from "../../../sys/readiness.ts";

export interface Pump {
  /** From now on; nothing if it runs. */
  start(): void;
  /** Reads no more. What has been read is still written. */
  stop(): void;
  /** Carries all that is there to read now, and stops; for the end of what writes there. */
  drain(): Promise<void>;
}

export interface PumpEnds {
  /** Neither may block. */
  readonly from: number;
  readonly to: number;
  /** What is written of what was read; without it all of it. */
  readonly adapt?: (octets: Buffer) => Buffer;
}

const CHUNK_OCTETS = 65_536;

export function createPump({ from, to, adapt = asItIs }: PumpEnds): Pump {
  const room = Buffer.allocUnsafeSlow(CHUNK_OCTETS);
  let watch: Watch | undefined;
  let isWanted = false;
  let hasEnded = false;
  let writing: Promise<void> | undefined;

  function start(): void {
    isWanted = true;
    if (watch === undefined && writing === undefined && !hasEnded) watch = watchReadable(from, onReadable);
  }

  function unwatch(): void {
    watch?.close();
    watch = undefined;
  }

  function onReadable(): void {
    const rest = watch === undefined ? undefined : carry();
    if (rest === undefined || rest.length === 0) return;
    unwatch();
    writing = writeRest(to, rest).finally(() => {
      writing = undefined;
      if (isWanted) start();
    });
  }

  /** Reads once and writes; gives back what was not taken, undefined if there was nothing to read. */
  function carry(): Buffer | undefined {
    const octets = readSome(from, room);
    if (octets === "later") return undefined;
    if (octets !== "ended") return writeSome(to, adapt(octets));
    hasEnded = true;
    unwatch();
    return undefined;
  }

  function stop(): void {
    isWanted = false;
    unwatch();
  }

  return {
    start,
    stop,
    async drain() {
      stop();
      await writing;
      for (let rest = carry(); rest !== undefined; rest = carry()) await writeRest(to, rest);
    },
  };
}

function readSome(fd: number, room: Buffer): Buffer | "later" | "ended" {
  try {
    const count = readSync(fd, room);
    return count > 0 ? room.subarray(0, count) : "ended";
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return "later";
    if (codeOf(error) === "EIO") return "ended";
    throw error;
  }
}

/**
 * Gives back what was not taken. What a far end that is gone would have got is dropped, as its kernel would.
 */
function writeSome(fd: number, octets: Buffer): Buffer {
  try {
    return octets.subarray(writeSync(fd, octets));
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return octets;
    if (codeOf(error) === "EIO") return octets.subarray(octets.length);
    throw error;
  }
}

async function writeRest(fd: number, octets: Buffer): Promise<void> {
  const { signal } = new AbortController(); // a terminal that is stopped by Ctrl-S has us wait, as it would any program
  for (let rest = octets; rest.length > 0; rest = writeSome(fd, rest)) await untilWritable(fd, signal);
}

function asItIs(octets: Buffer): Buffer {
  return octets;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
