/**
 * Word of what comes to a descriptor, on Node's own event loop (libuv's `uv_poll` through koffi).
 *
 * Three traits of that call are dealt with here:
 * - At an error of the descriptor (POLLERR) libuv stops, says so once, and never calls again. A watch begins
 *   anew.
 * - What a callback throws is lost, and with it all later calls of every watch. Here it ends the process, as
 *   it would elsewhere.
 * - Promises that a callback settles wait until something else wakes Node, such as the next timer. Here they
 *   go on in the same turn.
 */
import koffi from "koffi";
import { createGrowingPause } from "./growing-pause.ts";
import { createPoll, POLLERR, POLLNVAL } from "./poll.ts";

/** Watches one descriptor. Close it before the descriptor. */
export interface Watch {
  close(): void;
  /** Whether the watch keeps the process alive. */
  unref(): void;
  /**
   * Why what comes to the descriptor is not told; undefined if the watch lives. To be asked about once a
   * second: what lies there at two looks, with no call in between, is not told, and the watch then begins
   * anew. One system call.
   */
  fault(): WatchFault | undefined;
}

export interface WatchFault {
  readonly reason: string;
  /** Whether the descriptor is of no use any more: only another one helps. */
  readonly isDescriptorLost: boolean;
}

export interface WatchOptions {
  /** True if `ready` settles no promise, which saves about a microsecond a call. */
  readonly isSynchronous?: boolean;
}

/**
 * There is something to read (level-triggered), or the descriptor has failed: reading takes the error off,
 * and what was sent meanwhile may be lost.
 */
export type Ready = (hasFailed: boolean) => void;

type PollHandle = ReturnType<typeof koffi.node.poll>;

/** Until a watch begins anew if its descriptor keeps its error; doubled each time. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1000;

/** Calls `ready` until the watch is closed, whatever errors come. */
export function watchReadable(fd: number, ready: Ready, { isSynchronous = false }: WatchOptions = {}): Watch {
  const poll = createPoll(fd);
  let isClosed = false;
  let isReferenced = true;
  let calls = 0;
  const pause = createGrowingPause(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  /** The number of calls at the last look that found something; -1 if it found nothing. */
  let callsAtLook = -1;
  let handle = open();

  function open(): PollHandle {
    const opened = koffi.node.poll(fd, { readable: true }, onPoll);
    if (!isReferenced) opened.unref();
    return opened;
  }

  /** libuv's status comes first, whatever koffi's types say. */
  function onPoll(status: unknown): void {
    calls += 1;
    const hasFailed = status !== 0;
    try {
      ready(hasFailed);
      if (!hasFailed) pause.shorten();
      else if (!isClosed) beginAnew();
    } catch (error) {
      crash(error);
    }
    if (!isSynchronous) continueSoon();
  }

  /** At once, unless the error stays although it has been read off: nothing else would have its turn. */
  function beginAnew(): void {
    if (poll.has(POLLERR)) poll.dropError();
    if (!poll.has(POLLERR)) {
      handle.start({ readable: true }, onPoll);
      return;
    }
    pause.begin(() => {
      if (!poll.has(POLLNVAL)) handle.start({ readable: true }, onPoll);
    });
  }

  return {
    close() {
      isClosed = true;
      pause.cancel();
      handle.close();
    },
    unref() {
      isReferenced = false;
      handle.unref();
    },
    fault() {
      const events = poll.read();
      // libuv aborts the process if it is given a descriptor that is closed.
      if ((events & POLLNVAL) !== 0) return lost("its descriptor is closed");
      if (pause.isUnderWay()) return lost("an error stays on its descriptor");
      const isUntold = events !== 0 && callsAtLook === calls;
      callsAtLook = events === 0 ? -1 : calls;
      if (!isUntold) return undefined;
      handle.close();
      handle = open();
      return { reason: "nothing was told of what had come to its descriptor", isDescriptorLost: false };
    },
  };
}

/** Resolves once `fd` can be written to: for a connecting socket, once it is connected or has failed. */
export function untilWritable(fd: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const handle = koffi.node.poll(fd, { writable: true }, () => {
      settle();
      resolve();
      continueSoon();
    });
    const onAbort = (): void => {
      settle();
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    function settle(): void {
      handle.close();
      signal.removeEventListener("abort", onAbort);
    }
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Has promises go on that are settled in a watch's call: libuv calls us past Node, which looks at them only
 * after calls of its own. An immediate is one, and comes in the same turn of the event loop.
 */
function continueSoon(): void {
  setImmediate(doNothing);
}

function lost(reason: string): WatchFault {
  return { reason, isDescriptorLost: true };
}

function doNothing(): void {
  // Node goes on with promises after it.
}

/**
 * An error thrown in a call from libuv stays pending in koffi's environment, and each later call fails of it.
 */
function crash(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
