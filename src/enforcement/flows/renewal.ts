/**
 * Keeps learned addresses in force while flows use them. An address that a flow uses must never run out: the
 * next change of the policy has every flow judged again, and would cut one whose name is still allowed.
 */
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { octetKey } from "../../tables/octet-key.ts";

/** Well below the shortest life of a learned address, so that none runs out between two rounds. */
const ROUND_MS = 20_000;

export interface RenewalOptions {
  readonly learned: Pick<LearnedAddresses, "renew" | "size" | "hasLapsedSince">;
  /** The clock of the learned addresses. */
  readonly nowMs: () => number;
  /**
   * Each tells the destinations of flows, by its own knowledge: conntrack forgets flows whose sockets are
   * open still.
   */
  readonly sources: readonly ((onDestination: (octets: Uint8Array) => void) => Promise<void>)[];
  readonly onFault: (error: unknown) => void;
  readonly roundMs?: number;
}

export interface Renewal {
  /** One round, now. */
  run(): Promise<void>;
  /**
   * Before flows are judged again: a round, if the time of an address has run out since the last one. A flow
   * may have begun to use it just before.
   */
  catchUp(): Promise<void>;
  /** Ends the rounds; settles when none is under way. */
  stop(): Promise<void>;
}

/**
 * Starts the rounds. A source that fails is reported, and asked again in the next one: addresses outlive two
 * rounds.
 */
export function startRenewal(options: RenewalOptions): Renewal {
  const { learned, nowMs, sources, onFault, roundMs = ROUND_MS } = options;
  let underWay: Promise<void> = Promise.resolve();
  let lastMs = nowMs();

  async function round(): Promise<void> {
    if (learned.size() === 0) return;
    const inUse = new Set<string>();
    const beganMs = nowMs();
    let failed = 0;
    for (const read of sources) {
      await read((octets) => inUse.add(octetKey(octets, 0, octets.length))).catch((error: unknown) => {
        failed += 1;
        onFault(error);
      });
    }
    if (failed === sources.length) return;
    try {
      learned.renew(inUse);
      if (failed === 0) lastMs = beganMs;
    } catch (error) {
      onFault(error);
    }
  }
  function run(): Promise<void> {
    underWay = underWay.then(round);
    return underWay;
  }
  const timer = setInterval(() => void run(), roundMs).unref();
  return {
    run,
    catchUp: async () => (learned.hasLapsedSince(lastMs) ? run() : undefined),
    stop() {
      clearInterval(timer);
      return underWay;
    },
  };
}
