import { type FSWatcher, watch } from "node:fs";

export interface WatchTimes {
  /** From an event to the look that follows it; a burst of events gives one look. */
  readonly settleMs: number;
  /** Between looks while the folder can't be watched, and after one that failed. */
  readonly pollMs: number;
  /** Between looks while it can. */
  readonly watchedPollMs: number;
}

export interface FolderWatch {
  /** Stops; settles when a look that is under way is done. */
  close(): Promise<void>;
}

/**
 * Calls `look` at once, shortly after each event in the folder (`hint` true), and from time to time besides
 * (`hint` false), never twice at once. The folder need not be there. A look that rejects is repeated at the
 * next occasion.
 */
export function watchFolder(
  folder: string,
  look: (hint: boolean) => Promise<void>,
  times: WatchTimes,
): FolderWatch {
  let [closed, hinted, hasFailed] = [false, false, false];
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let watcher = openWatcher();

  function onEvent(): void {
    if (hinted) return;
    hinted = true;
    if (running === undefined) lookIn(times.settleMs);
  }

  function lookIn(ms: number): void {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(lookNow, ms).unref();
  }

  function lookNow(): void {
    const hint = hinted;
    hinted = false;
    hasFailed = false;
    running = look(hint)
      .catch(() => {
        hasFailed = true;
        hinted ||= hint;
      })
      .finally(() => {
        running = undefined;
        watcher ??= openWatcher();
        lookIn(nextLookMs());
      });
  }

  function nextLookMs(): number {
    if (watcher === undefined || hasFailed) return times.pollMs;
    return hinted ? times.settleMs : times.watchedPollMs;
  }

  /** Undefined if the folder is not there or the system's watches are used up. */
  function openWatcher(): FSWatcher | undefined {
    if (closed) return undefined;
    try {
      const opened = watch(folder, { persistent: false }, onEvent);
      opened.on("error", () => {
        opened.close();
        if (watcher === opened) watcher = undefined;
      });
      return opened;
    } catch {
      return undefined;
    }
  }

  lookNow();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      watcher?.close();
      await running;
    },
  };
}
