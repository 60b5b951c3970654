import type { Socket } from "node:net";

/**
 * The end of each request line that Node's parser takes, but for HTTP/0.9's. JSON never has one: its strings
 * hold no line's end, and outside of strings it has no such word.
 */
const LINE = /(?:HTTP|RTSP|ICE)\/\d\.\d\r\n/g;

/**
 * A request line of HTTP/0.9 ends with its target. In JSON a string may end a line that way: some do,
 * hundreds do not.
 */
const OLD_LINE = /[A-Z] +[^ \r\n]+[\r\n]/g;
const OLD_LINES = 64;

/**
 * Keeps Node's parser from more than `most` requests at once, by making the rest unreadable to it. The parser
 * goes through all that has arrived before anything else is done, and thousands fit into one read.
 */
export function boundRequestsAtOnce(socket: Socket, most: number): void {
  socket.prependListener("data", (chunk: Buffer) => {
    const text = chunk.toString("latin1");
    if (holdsMore(text, LINE, most) || holdsMore(text, OLD_LINE, OLD_LINES)) chunk.fill(0);
  });
}

function holdsMore(text: string, line: RegExp, most: number): boolean {
  let left = most;
  line.lastIndex = 0;
  while (line.test(text)) if (left-- === 0) return true;
  return false;
}
