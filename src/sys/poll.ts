/** poll(2) of one descriptor, without waiting. */
import { createArena } from "./arena.ts";
import { tryCall } from "./libc.ts";
import { SOL_SOCKET, SO_ERROR } from "./socket-constants.ts";

const POLLIN = 1;
export const POLLERR = 8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;

export interface Poll {
  /** All that is so now, as bits. */
  read(): number;
  has(event: number): boolean;
  /** Takes a socket's pending error off; does nothing to anything else. */
  dropError(): void;
}

/** The descriptor may be closed meanwhile: that is POLLNVAL. */
export function createPoll(fd: number): Poll {
  // pollfd is fd:4 wanted:2 found:2. Behind it are an error and its length.
  const scratch = createArena(16);
  scratch.words.set([fd, POLLIN, 0, 4]);
  const read = (): number =>
    tryCall("poll", scratch.address(0), 1, 0) > 0 ? scratch.octets.readUInt16LE(6) : 0;
  return {
    read,
    has: (event) => (read() & event) !== 0,
    dropError() {
      tryCall("getsockopt", fd, SOL_SOCKET, SO_ERROR, scratch.address(8), scratch.address(12));
    },
  };
}
