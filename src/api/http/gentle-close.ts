import type { Socket } from "node:net";

/** How long a caller that is still sending has to read the answer. */
const LINGER_MS = 1000;

export interface GentleCloser {
  /** Makes the closing of this connection gentle. */
  adopt(socket: Socket): void;
  /** Whether the connection's last answer has been given: what still comes in on it is not served. */
  isClosing(socket: Socket): boolean;
}

/**
 * Makes Node's own close after an answer a half-close first. A full one, with octets of the caller still unread, makes the kernel
 * send a reset, which may overtake the answer: a caller that is refused in the midst of a large body would see a broken
 * connection and no reason. Nothing more is read of such a body meanwhile.
 */
export function createGentleCloser(): GentleCloser {
  const closing = new WeakSet<Socket>();
  return {
    adopt(socket) {
      socket.destroySoon = () => {
        if (closing.has(socket)) return;
        closing.add(socket);
        socket.end();
        const timer = setTimeout(() => socket.destroy(), LINGER_MS);
        socket.once("close", () => clearTimeout(timer));
      };
    },
    isClosing: (socket) => closing.has(socket),
  };
}
