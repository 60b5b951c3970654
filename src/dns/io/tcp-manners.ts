import type { Asking, TcpConnection } from "./tcp-connection.ts";

const MAX_DEPTH = 64;
const CAREFUL_DEPTH = 2;
const SINGLE_MS = 300_000;

/** What an upstream has shown about questions that share a connection. */
export interface Manners {
  /** How many may be under way on one. */
  depth(): number;
  /** Whether it answers them side by side, so that one which is never answered holds up no other. */
  isParallel(): boolean;
  /** Whether a connection is good for one question only. */
  isSingle(): boolean;
  /**
   * Whether it serves one connection while another is open: else an idle one would keep it from all its
   * clients.
   */
  servesSeveral(): boolean;
  /** An answer has come; `isOldest` is false if a connection that was opened before is still open. */
  answered(connection: TcpConnection, asking: Asking, isOldest: boolean, nowMs: number): void;
  /** It has closed a connection after an answer, with others under way. */
  closesAfterAnswer(): void;
}

export function createManners(): Manners {
  let isParallel = false;
  let servesSeveral = false;
  let singleUntilMs = 0;
  const isSingle = (): boolean => performance.now() < singleUntilMs;
  return {
    depth: () => (isSingle() ? 1 : isParallel ? MAX_DEPTH : CAREFUL_DEPTH),
    isParallel: () => isParallel,
    isSingle,
    servesSeveral: () => servesSeveral,
    answered(connection, asking, isOldest, nowMs) {
      if (!isOldest) servesSeveral = true;
      // Before an older one, or much sooner after the last answer than that one took.
      const { answeredMs } = connection;
      const isSoon = asking.sentMs < answeredMs && nowMs - answeredMs < (answeredMs - asking.sentMs) / 2;
      if (isSoon || connection.hasOlder(asking)) isParallel = true;
      connection.answers += 1;
      connection.answeredMs = nowMs;
    },
    closesAfterAnswer() {
      singleUntilMs = performance.now() + SINGLE_MS;
    },
  };
}
