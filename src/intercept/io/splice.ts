import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { TLSSocket } from "node:tls";

/**
 * Passes on what each side sends, unread, until both have ended; each waits for the other's reader. Ends both
 * where one of them fails: the far end is told of a reset by a reset. Never throws: whatever becomes of a
 * connection of others is no fault of ours.
 */
export async function splice(client: Socket, host: Socket): Promise<void> {
  const isWhole = await Promise.all([pass(client, host), pass(host, client)]);
  if (isWhole.every(Boolean)) return;
  client.resetAndDestroy();
  // By way of a proxy that is spoken to over TLS; Node resets plain sockets alone.
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
