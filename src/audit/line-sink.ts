import { createLineQueue, type Line } from "./line-queue.ts";

/**
 * Lines on their way to a file descriptor, written asynchronously and in order, bounded in memory.
 *
 * Who reads the lines may be slower than a workload that makes them (a container's log driver, a full disk's
 * writeback). A sink that waits for its reader would hold up lookups and the API; one that keeps everything
 * would eat the machine. So what gives way depends on the kind of line. *Ordinary* lines (allowed lookups)
 * are dropped and counted once a mebibyte waits: they are the mass, and a workload that hides a visit among
 * allowed names has still only gone where it may. *Kept* lines (denials, changes, warnings) are not dropped
 * for a busy reader: sixteen mebibytes of them wait, some eighty thousand denials. Were denials dropped, a
 * burst of harmless ones would hide the one that matters. Past that bound the reader has stopped or is gone
 * for good, the disk stays full or in error, or the flood has no end; then kept lines become a count for each
 * subject (the name that was denied), up to 4,096 subjects, and one count for the rest, and the counts are
 * written as soon as there is room. Every denial is accounted for, whatever happens.
 */
export interface LineSink {
  /** Takes one line. Never throws, never waits. */
  ordinary(line: Line): void;
  /**
   * As `ordinary`, for a line that must not get lost; `subject` is what it is counted under when there is no
   * room.
   */
  kept(line: Line, subject: string | undefined): void;
  /** Settles when all that was taken is written, or after `limitMs` if the reader does not take it. */
  drain(limitMs: number): Promise<void>;
}

/**
 * What a sink needs of a file descriptor. `write` calls back later, never at once, with the octets that were
 * taken.
 */
export interface LineOutput {
  write(octets: Buffer, done: (error: NodeJS.ErrnoException | null, taken: number) => void): void;
}

/** Lines that stand for others which there was no room for. */
export interface SummaryLines {
  dropped(count: number): string;
  /** `subject: undefined` counts those that have no subject or came when there was no room for one more. */
  counted(subject: string | undefined, count: number): string;
}

export interface SinkBounds {
  readonly ordinaryOctets: number;
  readonly keptOctets: number;
  readonly subjects: number;
}

const BOUNDS: SinkBounds = { ordinaryOctets: 1 << 20, keptOctets: 16 << 20, subjects: 4096 };

/** Octets of one write: enough to share the system call, few enough that a pipe's reader sees lines early. */
const CHUNK_OCTETS = 64 << 10;

/** How long lines gather: each write costs as much as several lookups, wherever it goes. */
const GATHER_MS = 5;

const LINE_FEED = 10;

/** How long until a pipe that its reader will empty is asked again. */
const BUSY_MS = 20;
/** The same for a full disk, a pipe without a reader, a disk in error: all of them may be well again. */
const FAILING_MS = 500;

export function createLineSink(
  output: LineOutput,
  summary: SummaryLines,
  bounds: SinkBounds = BOUNDS,
): LineSink {
  const queue = createLineQueue(CHUNK_OCTETS);
  const losses = createLosses(summary, bounds.subjects);
  const drained: (() => void)[] = [];
  let inFlight: Buffer | undefined;
  /** Its octets that have been taken. */
  let written = 0;
  let busy = false;
  let gathering: NodeJS.Timeout | undefined;

  function push(line: Line): void {
    queue.push(line);
    if (busy && gathering === undefined) return;
    busy = true;
    if (queue.octets() >= CHUNK_OCTETS) writeSoon();
    else gathering ??= setTimeout(writeNext, GATHER_MS);
  }

  function writeSoon(): void {
    clearTimeout(gathering);
    gathering = undefined;
    setImmediate(writeNext);
  }

  function writeNext(): void {
    gathering = undefined;
    if (queue.octets() < bounds.ordinaryOctets) losses.report(queue.push);
    inFlight ??= queue.take();
    if (inFlight !== undefined) {
      output.write(written === 0 ? inFlight : inFlight.subarray(written), onWritten);
      return;
    }
    busy = false;
    settleDrained();
  }

  /** Whatever the error is, the lines wait, within their bounds. */
  function onWritten(error: NodeJS.ErrnoException | null, taken: number): void {
    if (error !== null) {
      writeAgain(error.code ?? "");
      return;
    }
    written += taken;
    const isWhole = inFlight === undefined || written >= inFlight.length;
    if (isWhole) {
      inFlight = undefined;
      written = 0;
      queue.release();
    }
    const isLittle = isWhole && queue.octets() > 0 && queue.octets() < CHUNK_OCTETS;
    if (isLittle && drained.length === 0) gathering = setTimeout(writeNext, GATHER_MS);
    else writeNext();
  }

  function writeAgain(code: string): void {
    setTimeout(writeNext, code === "EAGAIN" ? BUSY_MS : FAILING_MS);
    if (code !== "EPIPE") return;
    // The next reader gets whole lines, and who is about to end does not wait for one.
    written = (inFlight?.subarray(0, written).lastIndexOf(LINE_FEED) ?? -1) + 1;
    settleDrained();
  }

  function settleDrained(): void {
    for (const settle of drained.splice(0)) settle();
  }

  return {
    ordinary(line) {
      if (queue.octets() + lengthOf(line) > bounds.ordinaryOctets) losses.drop();
      else push(line);
    },
    kept(line, subject) {
      if (queue.octets() + lengthOf(line) > bounds.keptOctets) losses.count(subject);
      else push(line);
    },
    async drain(limitMs) {
      if (!busy) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      drained.push(resolve);
      if (gathering !== undefined) writeSoon();
      const timer = setTimeout(resolve, limitMs);
      await promise;
      clearTimeout(timer);
    },
  };
}

interface Losses {
  drop(): void;
  count(subject: string | undefined): void;
  /** Writes what was lost since the last report. */
  report(push: (line: string) => void): void;
}

function createLosses(summary: SummaryLines, subjects: number): Losses {
  let dropped = 0;
  let others = 0;
  const counts = new Map<string, number>();
  return {
    drop() {
      dropped += 1;
    },
    count(subject) {
      const before = subject === undefined ? undefined : counts.get(subject);
      if (subject === undefined || (before === undefined && counts.size >= subjects)) others += 1;
      else counts.set(subject, (before ?? 0) + 1);
    },
    report(push) {
      if (dropped > 0) push(summary.dropped(dropped));
      for (const [subject, count] of counts) push(summary.counted(subject, count));
      if (others > 0) push(summary.counted(undefined, others));
      dropped = 0;
      others = 0;
      counts.clear();
    },
  };
}

/** Of text, its characters: next to always its octets. */
function lengthOf(line: Line): number {
  return typeof line === "string" ? line.length : line.length();
}
