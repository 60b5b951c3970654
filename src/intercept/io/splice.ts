import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { TLSSocket } from "node:tls";

/**
 * Passes on what each side sends, unread, until both have ended; each waits for the other's reader. If one
 * side fails, the other gets a reset, so that nobody takes half of something for the whole. Never throws: a
 * failure of others' connections is no fault of ours. `keeps` is told how many octets may wait for a reader.
 */
export async function splice(client: Socket, host: Socket, keeps: (octets: number) => void): Promise<void> {
  // Whoever sends small pieces at once has them passed on at once.
  client.setNoDelay(true);
  host.setNoDelay(true);
  // Ahead of the pipelines, which would end both in order.
  client.once("error", () => reset(host));
  host.once("error", () => reset(client));
  tellWaiting([client, host], keeps);
  const isWhole = await Promise.all([pass(client, host), pass(host, client)]);
  if (isWhole.every(Boolean)) return;
  reset(client);
  reset(host);
}

/**
 * What waits where one side does not read: Node's own in one direction, as it keeps 64 KiB on each side and
 * one more read; and the kernel's.
 */
const WAITING_OCTETS = 256 << 10;

/** A side that is not read waits until all has gone to the other. */
function tellWaiting(sides: readonly [Socket, Socket], keeps: (octets: number) => void): void {
  const waiting = new Set<Socket>();
  const tell = (): void => keeps(waiting.size * WAITING_OCTETS);
  for (const [from, to] of [sides, sides.toReversed()]) {
    if (from === undefined || to === undefined) continue;
    from.on("pause", () => {
      if (!to.writableNeedDrain) return;
      waiting.add(from);
      tell();
    });
    to.on("drain", () => {
      if (waiting.delete(from)) tell();
    });
  }
}

/** Node can reset only plain sockets, not the one of a way by a proxy over TLS. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Whether all of it has been passed on. */
async function pass(from: Socket, to: Socket): Promise<boolean> {
  try {
    await pipeline(from, to);
    return true;
  } catch {
    return false;
  }
}
