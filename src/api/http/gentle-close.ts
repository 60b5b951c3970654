import type { Socket } from "node:net";
import { cutOff } from "./cut-off.ts";
import { release } from "./release.ts";

/**
 * How long a caller that is still sending has to read the answer, and how much more is taken from it until
 * then.
 */
const LINGER_MS = 1000;
const LINGER_OCTETS = 1 << 20;

export interface GentleCloser {
  /** Makes the closing of this connection gentle. */
  adopt(socket: Socket): void;
  /** Whether the connection's last answer has been given: what still comes in on it is not served. */
  isClosing(socket: Socket): boolean;
}

/**
 * Makes Node's own close after an answer a half-close first. A full one, with octets of the caller still
 * unread, makes the kernel send a reset, which may overtake the answer: a caller that is refused in the midst
 * of a large body would see a broken connection and no reason. So what comes of such a body meanwhile is read
 * and forgotten, up to what a whole one has.
 */
export function createGentleCloser(): GentleCloser {
  const closing = new WeakSet<Socket>();
  return {
    adopt(socket) {
      socket.destroySoon = () => {
        if (closing.has(socket)) return;
        closing.add(socket);
        forgetWhatComes(socket);
        socket.end();
        const timer = setTimeout(() => socket.destroy(), LINGER_MS);
        socket.once("close", () => clearTimeout(timer));
      };
    },
    isClosing: (socket) => closing.has(socket),
  };
}

/** Without the parser, which would copy it. */
function forgetWhatComes(socket: Socket): void {
  let left = LINGER_OCTETS;
  socket.removeAllListeners("data").on("data", (chunk: Buffer) => {
    left -= chunk.length;
    release(chunk);
    if (left < 0) cutOff(socket);
  });
}
