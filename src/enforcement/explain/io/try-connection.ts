import { connect } from "node:net";
import { errnoOf } from "../../errors.ts";

/**
 * `unreachable`: somebody on the way, or our own side, says that there is no way there. `unknown`: it could
 * not be tried.
 */
export type Tried = "answers" | "refuses" | "silent" | "unreachable" | "unknown";

/** So long a far end may take. A first packet that was lost is sent again after a second. */
const LIMIT_MS = 3000;

/**
 * Opens a TCP connection as any process of the sandbox would, so the kernel judges it by the same rules, and
 * says what the far end did. Nothing is sent over it, and it is reset at once, so that its entry in the table
 * of flows is soon gone.
 */
export function tryConnection(host: string, port: number): Promise<Tried> {
  const { promise, resolve } = Promise.withResolvers<Tried>();
  const socket = connect({ host, port });
  const timer = setTimeout(() => end("silent"), LIMIT_MS);
  function end(tried: Tried): void {
    clearTimeout(timer);
    resolve(tried);
    socket.resetAndDestroy();
  }
  socket.on("connect", () => end("answers"));
  socket.on("error", (error) => end(ENDINGS[errnoOf(error)] ?? "unknown"));
  return promise;
}

const ENDINGS: Readonly<Record<string, Tried>> = {
  ECONNREFUSED: "refuses",
  ECONNRESET: "refuses",
  ETIMEDOUT: "silent",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
};
