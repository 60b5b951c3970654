/**
 * Reads what a client sends first, until it is clear what becomes of the flow. Then it puts the octets back,
 * for the next reader.
 */
import type { Socket } from "node:net";
import { readFirstOctets } from "../../wire-names/first-octets.ts";
import { type FlowFacts, judgeFlow, judgeUnnamed, type SettledVerdict, unnamed } from "../judge-flow.ts";

/** In some protocols the server speaks first. A client that is silent for this long may wait for that. */
const SILENCE_MS = 1000;

export interface FirstOctetsOptions {
  /** Gives it up. */
  readonly signal: AbortSignal;
  /** Told how many octets wait for more. */
  readonly keeps: (octets: number) => void;
}

/**
 * Settles with the verdict; the socket is paused by then. A client that ends first, or is given up, has shown
 * no name. A silent one is judged by its address if the facts allow it. Never throws.
 */
export function judgeFirstOctets(
  socket: Socket,
  facts: FlowFacts,
  { signal, keeps }: FirstOctetsOptions,
): Promise<SettledVerdict> {
  const { promise, resolve } = Promise.withResolvers<SettledVerdict>();
  let octets: Buffer = Buffer.alloc(0);

  function onReadable(): void {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    const verdict = judgeFlow(readFirstOctets(octets), facts);
    if (verdict.kind === "incomplete") keeps(octets.length);
    else settle(verdict);
  }
  function onEnd(): void {
    settle(unnamed("it ended before it had shown a name"));
  }
  function onSilence(): void {
    if (octets.length > 0) return;
    const verdict = judgeUnnamed("it said nothing", facts);
    if (verdict.kind === "pass") settle(verdict);
  }
  function onAbort(): void {
    settle(unnamed("it took too long to show a name"));
  }
  function settle(verdict: SettledVerdict): void {
    socket.off("readable", onReadable);
    for (const event of ENDS) socket.off(event, onEnd);
    signal.removeEventListener("abort", onAbort);
    clearTimeout(silence);
    keeps(0);
    if (octets.length > 0 && !socket.destroyed && !socket.readableEnded) socket.unshift(octets);
    resolve(verdict);
  }

  const silence = facts.byAddress === undefined ? undefined : setTimeout(onSilence, SILENCE_MS);
  socket.on("readable", onReadable);
  for (const event of ENDS) socket.on(event, onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  return promise;
}

const ENDS = ["end", "error", "close"] as const;
