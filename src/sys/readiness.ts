import koffi from "koffi";

/** Watches one descriptor on Node's own event loop. Close it before the descriptor. */
export interface Watch {
  close(): void;
  /** Whether the watch keeps the process alive. */
  unref(): void;
}

/** Calls `ready` whenever `fd` has something to read (level-triggered). */
export function watchReadable(fd: number, ready: () => void): Watch {
  return koffi.node.poll(fd, { readable: true }, ready);
}

/** Resolves once `fd` can be written to: for a connecting socket, once it is connected or has failed. */
export function untilWritable(fd: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const handle = koffi.node.poll(fd, { writable: true }, () => {
      settle();
      resolve();
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
