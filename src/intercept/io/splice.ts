import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { TLSSocket } from "node:tls";

/**
 * Passes on what each side sends, unread, until both have ended; each waits for the other's reader. If one
 * side fails it ends both: the far end gets a reset for a reset. Never throws: a failure of others'
 * connections is no fault of ours.
 */
export async function splice(client: Socket, host: Socket): Promise<void> {
  // Whoever sends small pieces at once has them passed on at once.
  client.setNoDelay(true);
  host.setNoDelay(true);
  const isWhole = await Promise.all([pass(client, host), pass(host, client)]);
  if (isWhole.every(Boolean)) return;
  client.resetAndDestroy();
  // By way of a proxy over TLS; Node can reset only plain sockets.
  if (host instanceof TLSSocket) host.destroy();
  else host.resetAndDestroy();
}

/** Whether all of it has been passed on. */
async function pass(from: Socket, to: Socket): Promise<boolean> {
  try {
    await pipeline(from, to);
    return true;
  } catch {
    from.destroy();
    to.destroy();
    return false;
  }
}
