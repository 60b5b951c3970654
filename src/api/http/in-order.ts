import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { cutOff } from "./cut-off.ts";

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export interface InOrder {
  /** Has the request answered once all before it on its connection are. */
  serve(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** The request that came last on the connection. */
  last(socket: Socket): Exchange | undefined;
}

/**
 * Requests that follow each other unanswered on a connection are served in their order (RFC 9112 section
 * 9.3.2). Node reads on while they wait, however many there are: where more than `most` do, the connection is
 * cut.
 */
export function createInOrder(most: number, answer: InOrder["serve"]): InOrder {
  const lines = new WeakMap<Socket, { last: Exchange; waiting: number }>();
  return {
    serve(incoming, outgoing) {
      const { socket } = incoming;
      if (socket.destroyed) return;
      const exchange = { incoming, outgoing };
      const line = lines.get(socket);
      if (line === undefined || line.last.outgoing.writableFinished) {
        lines.set(socket, { last: exchange, waiting: 0 });
        answer(incoming, outgoing);
        return;
      }
      line.waiting += 1;
      if (line.waiting > most) cutOff(socket);
      line.last.outgoing.once("close", () => {
        line.waiting -= 1;
        answer(incoming, outgoing);
      });
      line.last = exchange;
    },
    last: (socket) => lines.get(socket)?.last,
  };
}
