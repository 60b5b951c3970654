import type { Socket } from "node:net";
import type { Outlet } from "../body-writer.ts";
import { tellFault } from "./origin-fault.ts";
import { NEVER_LOST, readToEnd, type Writes } from "./read-to-end.ts";

/** Why we do not read a connection for a while. */
export type PauseReason = "peer-full" | "kept-enough";

/**
 * One of the two connections of a relay. It gathers what is written until `flush`: one write for a turn, if
 * that is cheap.
 */
export interface Half extends Outlet {
  readonly socket: Socket;
  readonly writes: Writes;
  flush(): void;
  pause(reason: PauseReason): void;
  resume(reason: PauseReason): void;
  /** Accepts no more; what was written is sent. */
  end(): void;
  /** How many octets wait in it in both directions. */
  kept(): number;
  /** Why it was lost, if that is known: see {@link tellFault}. */
  fault(): string | undefined;
}

export interface HalfEvents {
  octets(octets: Buffer): void;
  /** The other side has ended, or written octets no longer wait. */
  ended(): void;
  /** With or without an error; called once, and nothing after it. */
  closed(): void;
  /** Written octets wait: pause their source until `drained`. */
  full(): void;
  drained(): void;
}

/** Of a connection that is not read: a read that TLS has not taken yet, and what the kernel keeps. */
const UNREAD_OCTETS = 128 << 10;
/** Larger octets are not copied into one write. */
const MAX_GATHERED_OCTETS = 32 * 1024;

/** `readsOn`: what has come is read even if nothing more can be written. */
export function createHalf(socket: Socket, events: HalfEvents, { readsOn = false } = {}): Half {
  const reasons = new Set<PauseReason>();
  let gathered: (string | Buffer)[] = [];
  let length = 0;
  let isFull = false;
  let fault: string | undefined;

  function flush(): void {
    if (gathered.length === 0) return;
    const parts = gathered;
    const total = length;
    gathered = [];
    length = 0;
    if (writes.areLost() || socket.destroyed || socket.writableEnded) return;
    const hasRoom = write(socket, parts, total);
    if (!hasRoom && !isFull) {
      isFull = true;
      events.full();
    }
  }

  socket.on("data", events.octets);
  const writes = readsOn ? readToEnd(socket) : NEVER_LOST;
  // Behind a reset an end is none of the other side's.
  socket.on("end", () => (writes.areLost() ? socket.destroy() : events.ended()));
  socket.on("error", (error) => {
    fault = tellFault(error);
    socket.destroy();
  });
  socket.on("close", events.closed);
  socket.on("drain", () => {
    isFull = false;
    events.drained();
  });
  return {
    socket,
    writes,
    flush,
    text(text) {
      gathered.push(text);
      length += text.length;
    },
    octets(octets) {
      gathered.push(octets);
      length += octets.length;
    },
    pause(reason) {
      reasons.add(reason);
      socket.pause();
    },
    resume(reason) {
      if (reasons.delete(reason) && reasons.size === 0) socket.resume();
    },
    end() {
      flush();
      if (!socket.writableEnded) socket.end();
    },
    kept: () => socket.writableLength + socket.readableLength + (reasons.size > 0 ? UNREAD_OCTETS : 0),
    fault: () => fault,
  };
}

/** Whether there is room for more. */
function write(socket: Socket, parts: readonly (string | Buffer)[], total: number): boolean {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return writePart(socket, first);
  if (total <= MAX_GATHERED_OCTETS) return socket.write(join(parts, total));
  socket.cork();
  let hasRoom = true;
  for (const part of parts) hasRoom = writePart(socket, part);
  socket.uncork();
  return hasRoom;
}

function writePart(socket: Socket, part: string | Buffer): boolean {
  return typeof part === "string" ? socket.write(part, "latin1") : socket.write(part);
}

function join(parts: readonly (string | Buffer)[], total: number): Buffer {
  const joined = Buffer.allocUnsafe(total);
  let at = 0;
  for (const part of parts)
    at += typeof part === "string" ? joined.write(part, at, "latin1") : part.copy(joined, at);
  return joined;
}
