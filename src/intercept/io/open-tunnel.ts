import type { Socket } from "node:net";
import { ProxyRefusedError } from "../errors.ts";
import type { UpstreamTarget } from "../flow-identity.ts";
import { readProxyAnswer, type UpstreamProxy, writeConnect } from "../upstream-proxy.ts";

export interface TunnelOptions {
  readonly proxy: UpstreamProxy;
  readonly signal: AbortSignal;
}

/**
 * Settles once what is read from the socket is the host's. Throws ProxyRefusedError, or an Error that says
 * what went wrong; the socket is closed by then.
 */
export async function openTunnel(
  socket: Socket,
  target: UpstreamTarget,
  { proxy, signal }: TunnelOptions,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let octets: Buffer = Buffer.alloc(0);

  function onReadable(): void {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    const answer = readProxyAnswer(octets);
    if (answer.kind === "incomplete") return;
    if (answer.kind === "refused") return reject(new ProxyRefusedError(answer.status));
    if (answer.kind === "strange") return reject(new Error(answer.reason));
    stopListening();
    const rest = octets.subarray(answer.end);
    if (rest.length > 0) socket.unshift(rest);
    resolve();
  }
  const onEnd = (): void => reject(new Error("it closed the connection"));
  const onAbort = (): void => reject(reasonOf(signal));
  function stopListening(): void {
    socket.off("readable", onReadable);
    for (const event of ENDS) socket.off(event, onEnd);
    socket.off("error", reject);
    signal.removeEventListener("abort", onAbort);
  }

  socket.on("readable", onReadable);
  for (const event of ENDS) socket.on(event, onEnd);
  socket.on("error", reject);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  socket.write(writeConnect(target, proxy), "latin1");
  try {
    await promise;
  } catch (error) {
    stopListening();
    // It may fail once more as it is closed.
    socket.on("error", () => undefined);
    socket.destroy();
    throw error;
  }
}

const ENDS = ["end", "close"] as const;

/** The caller who gave it up says why; a time limit has words of its own. */
export function reasonOf({ reason }: AbortSignal): Error {
  if (!(reason instanceof Error)) return new Error("it was given up");
  return reason.name === "TimeoutError" ? new Error("it took too long") : reason;
}
