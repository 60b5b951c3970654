/** Standard output and standard error: written whole, in order, and with an end that is known. */
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { isatty } from "node:tty";

export interface StandardOutput {
  /** Never throws: `flush` reports what could not be written. */
  write(text: string): void;
  /** Whether no write has failed so far. */
  isWritable(): boolean;
  /**
   * Settles once all is written, however slow its reader is, or cannot be: then with the code of the first
   * error, such as EPIPE.
   */
  flush(): Promise<string | undefined>;
}

/** Nothing is opened before the first write. */
export function openStandardOutput(fd: 1 | 2): StandardOutput {
  let failure: string | undefined;
  let stream: Writable | undefined;
  const note = (error?: Error | null): void => {
    if (error) failure ??= codeOf(error);
  };

  function openStream(): Writable {
    if (stream !== undefined) return stream;
    stream = openOwnPipe(fd) ?? (fd === 1 ? process.stdout : process.stderr);
    // Without a listener it would end the process. The failed write has been told of it.
    stream.on("error", note);
    return stream;
  }

  return {
    write(text) {
      if (failure !== undefined) return;
      try {
        if (isStream(fd)) openStream().write(text, note);
        else writeWhole(fd, Buffer.from(text));
      } catch (error) {
        failure = codeOf(error);
      }
    },
    isWritable: () => failure === undefined,
    async flush() {
      if (stream !== undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        stream.write("", () => resolve());
        await promise;
      }
      return failure;
    },
  };
}

/**
 * A pipe is opened anew: Node makes what it writes to non-blocking, and a child that has the same pipe would
 * lose what it writes faster than the reader reads. Undefined if it is none, or may not be opened.
 */
function openOwnPipe(fd: number): Writable | undefined {
  if (!fstatSync(fd).isFIFO()) return undefined;
  let own: number;
  try {
    own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined; // without /proc, without a reader, or another user's
  }
  return new Socket({ fd: own, readable: false, writable: true });
}

/** Whether it may have to wait for a reader. */
function isStream(fd: number): boolean {
  if (isatty(fd)) return true;
  const found = fstatSync(fd);
  return found.isFIFO() || found.isSocket();
}

/**
 * A disk that is nearly full takes the first part of it. Node's stream for files leaves it at that, without
 * an error.
 */
function writeWhole(fd: number, octets: Uint8Array): void {
  let written = 0;
  while (written < octets.length) written += writeSync(fd, octets, written);
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}
