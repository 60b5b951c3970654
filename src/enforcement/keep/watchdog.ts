/**
 * Looks at each watch of the sidecar's by itself, whether or not anybody asks for health: whether it would
 * tell of what comes. What is not told is known within two looks, logged once, and makes health bad until a
 * look finds nothing wrong.
 */
import type { AuditLog } from "../../audit/audit-log.ts";
import { describe } from "../errors.ts";

/** Two looks lie in the 5 seconds within which a dead watch is known. */
const LOOK_MS = 1000;

/**
 * By what it watches: why events were missed since the last call. They come again from then on, or the next
 * call tries anew. May throw.
 */
export type Watched = Readonly<Record<string, () => string | undefined>>;

export interface Watchdog {
  /** A line for each that failed at the last look. */
  faults(): readonly string[];
  close(): void;
}

/** Some microseconds a look. */
export function startWatchdog(watched: Watched, audit: Pick<AuditLog, "watchChanged">): Watchdog {
  let reasons = new Map<string, string>();

  function look(): void {
    const before = reasons;
    reasons = new Map();
    for (const [watch, fault] of Object.entries(watched)) {
      const reason = reasonOf(fault);
      if (reason !== undefined) reasons.set(watch, reason);
      if (reason !== before.get(watch)) audit.watchChanged({ watch, reason });
    }
  }

  const timer = setInterval(look, LOOK_MS).unref();
  return {
    faults: () => Array.from(reasons, ([watch, reason]) => `${watch} may be missed: ${reason}`),
    close: () => clearInterval(timer),
  };
}

function reasonOf(fault: () => string | undefined): string | undefined {
  try {
    return fault();
  } catch (error) {
    return describe(error);
  }
}
