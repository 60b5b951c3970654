import type { TLSSocket } from "node:tls";

/**
 * Settles once the handshake is done. Throws an Error that says why there was none; the caller closes the
 * socket.
 */
export function untilSecure(tls: TLSSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(new Error("it took too long"));
  const onClose = (): void => reject(new Error("the host closed the connection"));
  tls.once("secureConnect", resolve);
  tls.once("error", reject);
  tls.once("close", onClose);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    signal.removeEventListener("abort", onAbort);
    tls.off("close", onClose);
    tls.off("error", reject);
  });
}
