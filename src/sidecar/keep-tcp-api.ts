/**
 * Keeps the API open over TCP: if it lacks a port, a descriptor or memory for now, it is opened later, again
 * and again.
 */
import { ListenError } from "../api/errors.ts";
import { describe } from "../enforcement/errors.ts";
import type { TcpApi } from "./tcp-api.ts";

export type TcpState =
  | ({ readonly isOpen: true } & Pick<TcpApi, "listening" | "endsWithProcess">)
  | { readonly isOpen: false; readonly reason: string };

export interface KeptTcpApi {
  state(): TcpState;
  /** As of {@link TcpApi}; what is not open yet is no fault. */
  fault(): string | undefined;
  close(limitMs: number): Promise<void>;
}

/** What others may give back: the workload can take all of it, and must not end a start by that. */
const PASSES: ReadonlySet<string> = new Set(["EADDRINUSE", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/**
 * One after another, a second between two: until then it comes back by itself, and callers keep their place.
 */
const MOST_FAULTS = 5;

/**
 * It calls `onChange` with the first state and with each that differs from the last one. Throws what `open`
 * throws
 * at first, unless that passes. Later everything passes.
 */
export function keepOpen(open: () => TcpApi, onChange: (state: TcpState) => void): KeptTcpApi {
  let api: TcpApi | undefined;
  let state: TcpState | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let faults = 0;
  let pause: NodeJS.Timeout | undefined;

  function tell(next: TcpState): TcpState {
    const isNew =
      state?.isOpen !== next.isOpen || (!next.isOpen && !state.isOpen && state.reason !== next.reason);
    state = next;
    if (isNew) onChange(next);
    return next;
  }
  function tryOpen(): TcpState {
    try {
      api = open();
      return tell({ isOpen: true, listening: api.listening, endsWithProcess: api.endsWithProcess });
    } catch (error) {
      if (state === undefined && !passes(error)) throw error;
      pause = setTimeout(tryOpen, pauseMs).unref();
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      return tell({ isOpen: false, reason: describe(error) });
    }
  }

  /** Somebody may have its port for good: it gets others. */
  function openElsewhere(reason: string): void {
    void api?.close(0);
    api = undefined;
    faults = 0;
    pauseMs = FIRST_PAUSE_MS;
    tell({ isOpen: false, reason });
    tryOpen();
  }

  const first = tryOpen();
  return {
    state: () => state ?? first,
    fault() {
      const reason = api?.fault();
      faults = reason === undefined ? 0 : faults + 1;
      if (reason !== undefined && faults >= MOST_FAULTS) openElsewhere(reason);
      return reason;
    },
    async close(limitMs) {
      clearTimeout(pause);
      await api?.close(limitMs);
    },
  };
}

function passes(error: unknown): boolean {
  return error instanceof ListenError && PASSES.has(error.code);
}
