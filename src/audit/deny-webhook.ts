/**
 * Tells a webhook of each denied lookup: one POST each, one after the other in their order.
 *
 *     {"hostname": "x.example.com", "timestamp": "2026-01-02T03:04:05Z", "source": "opensandbox-egress",
 * "sandboxId": "sbx-1"}
 *
 * Five seconds a try; after a 5xx or when no answer came, three more tries 1, 2 and 4 s later. Any other
 * answer is final. 256 denials wait; then the oldest goes for each that comes, so a workload that makes
 * denials faster than the webhook takes them hides some from it. They are counted, and the log accounts for
 * all of them.
 */

export interface DenyWebhookOptions {
  readonly sandboxId: string | undefined;
  /** Sends one body; settles with the status, throws if no answer came. */
  readonly post: (body: string, signal: AbortSignal) => Promise<number>;
  /**
   * Called with the first of a row of denials that could not be sent or had to go, and with the next that
   * could.
   */
  readonly onTrouble: (reason: string) => void;
  readonly onRecovery: () => void;
  readonly now?: () => number;
}

export interface DenyWebhook {
  /** Queues it and returns at once. */
  tell(host: string): void;
  figures(): DenyWebhookFigures;
  /** Goes on with what waits until the limit, then gives up on the rest. */
  close(limitMs: number): Promise<void>;
}

interface DenyWebhookFigures {
  readonly delivered: number;
  /** Not taken, after all tries. */
  readonly failed: number;
  /** Never sent: there was no room, or the end came. */
  readonly dropped: number;
  readonly waiting: number;
}

const MAX_WAITING = 256;
const TOO_MANY = `more than ${MAX_WAITING} denials wait for the webhook, so the oldest are dropped`;
const TRY_MS = 5000;
const PAUSES_MS = [1000, 2000, 4000] as const;

interface Denial {
  readonly host: string;
  readonly atMs: number;
}

export function createDenyWebhook(options: DenyWebhookOptions): DenyWebhook {
  const { now = Date.now } = options;
  const giveUp = new AbortController();
  const waiting: Denial[] = [];
  const figures = { delivered: 0, failed: 0, dropped: 0 };
  let working: Promise<void> | undefined;
  let isInTrouble = false;
  let isClosed = false;

  function trouble(reason: string): void {
    if (!isInTrouble) options.onTrouble(reason);
    isInTrouble = true;
  }

  async function work(): Promise<void> {
    for (let denial = waiting.shift(); denial !== undefined; denial = waiting.shift()) {
      const refusal = await deliver(renderBody(denial, options.sandboxId), options.post, giveUp.signal);
      if (refusal === undefined) {
        figures.delivered += 1;
        if (isInTrouble) options.onRecovery();
        isInTrouble = false;
      } else {
        figures.failed += 1;
        trouble(refusal);
      }
    }
    working = undefined;
  }

  return {
    tell(host) {
      if (isClosed) {
        figures.dropped += 1;
        return;
      }
      if (waiting.length >= MAX_WAITING) {
        waiting.shift();
        figures.dropped += 1;
        trouble(TOO_MANY);
      }
      // Rendered when it is sent: in a flood most are not.
      waiting.push({ host, atMs: now() });
      working ??= work();
    },
    figures: () => ({ ...figures, waiting: waiting.length }),
    async close(limitMs) {
      isClosed = true;
      const timer = setTimeout(() => {
        figures.dropped += waiting.splice(0).length;
        giveUp.abort();
      }, limitMs);
      await working;
      clearTimeout(timer);
    },
  };
}

/** Undefined once the webhook has accepted it; otherwise why it did not. */
async function deliver(
  body: string,
  post: DenyWebhookOptions["post"],
  giveUp: AbortSignal,
): Promise<string | undefined> {
  for (let attempt = 0; ; attempt++) {
    const refusal = await tryOnce(body, post, giveUp);
    const pauseMs = PAUSES_MS[attempt];
    if (refusal === undefined || refusal.isFinal || pauseMs === undefined) return refusal?.reason;
    await pause(pauseMs, giveUp);
    if (giveUp.aborted) return refusal.reason;
  }
}

function pause(pauseMs: number, giveUp: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, pauseMs);
    function end(): void {
      clearTimeout(timer);
      giveUp.removeEventListener("abort", end);
      resolve();
    }
    giveUp.addEventListener("abort", end);
  });
}

async function tryOnce(
  body: string,
  post: DenyWebhookOptions["post"],
  giveUp: AbortSignal,
): Promise<{ readonly reason: string; readonly isFinal: boolean } | undefined> {
  try {
    const status = await post(body, AbortSignal.any([giveUp, AbortSignal.timeout(TRY_MS)]));
    if (status >= 200 && status < 300) return undefined;
    return { reason: `the webhook answers with status ${status}`, isFinal: status < 500 };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { reason: `the webhook cannot be reached: ${reason}`, isFinal: giveUp.aborted };
  }
}

/** Whole seconds, as the original writes them; `sandboxId` is there even when it is empty. */
function renderBody({ host: hostname, atMs }: Denial, sandboxId = ""): string {
  const timestamp = new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
  return JSON.stringify({ hostname, timestamp, source: "opensandbox-egress", sandboxId });
}
