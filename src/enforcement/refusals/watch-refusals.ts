/**
 * Connections that the kernel refuses on their way out: those that it tells of become events, all of them are counted by the kernel. No
 * protection hangs on it, so that a sandbox whose group of the log is somebody else's is as closed as others, and healthy.
 */
import type { AuditLog } from "../../audit/audit-log.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { KernelError } from "../../netfilter/errors.ts";
import { openRefusals, type Refusals } from "../../netfilter/io/refusals.ts";
import { openRefusedCounter } from "../../netfilter/io/refused-counter.ts";
import type { EnforcementMode } from "../../netfilter/ruleset.ts";
import type { LoggedPacket } from "../../netfilter/wire/nflog.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { keepOpen } from "../../sys/kept-open.ts";
import type { SandboxEvents } from "../events.ts";
import { createGrowingCount } from "./growing-count.ts";

export interface RefusalFigures {
  /** Counted by the kernel, over restarts too. */
  readonly denied: number;
  /** Of which so many were events since the start. */
  readonly told: number;
}

export interface RefusalWatch {
  /** Once closed, those of the end. Some 10 us. Throws SystemCallError. */
  figures(): RefusalFigures;
  /** Why refused connections were not told since the last look; to be asked about once a second. Tries again to take the group. Throws SystemCallError, KernelError. */
  fault(): string | undefined;
  close(): void;
}

export interface RefusalWatchOptions {
  readonly learned: Pick<LearnedAddresses, "namesOf">;
  readonly events: Pick<SandboxEvents, "connectionRefused">;
  readonly audit: Pick<AuditLog, "watchChanged">;
}

/** In mode `dns`, where the kernel refuses no connection. */
const NO_REFUSALS: RefusalWatch = {
  figures: () => ({ denied: 0, told: 0 }),
  fault: () => undefined,
  close: () => undefined,
};

/** Opens it in the current network namespace, with the table in the kernel. */
export function watchRefusals(
  mode: EnforcementMode,
  { learned, events, audit }: RefusalWatchOptions,
): RefusalWatch {
  if (mode === "dns") return NO_REFUSALS;
  const counter = keepOpen(openRefusedCounter);
  const total = createGrowingCount();
  let told = 0;
  let reason: string | undefined;
  let refusals = tryOpen();

  function tell({ destination, destinationPort, protocol }: LoggedPacket): void {
    told += 1;
    events.connectionRefused.emit({
      address: destination,
      port: destinationPort,
      protocol,
      names: learned.namesOf(destination),
    });
  }
  function tryOpen(): Refusals | undefined {
    const before = reason;
    let opened: Refusals | undefined;
    try {
      opened = openRefusals(tell);
      reason = undefined;
    } catch (error) {
      if (!(error instanceof KernelError) && !(error instanceof SystemCallError)) throw error;
      reason = error.message;
    }
    if (reason !== before) audit.watchChanged({ watch: "refused connections", reason });
    return opened;
  }

  const readDenied = (): number => total.take(counter.useAtOnce((opened) => opened.read()));
  let atTheEnd: number | undefined;

  return {
    figures: () => ({ denied: atTheEnd ?? readDenied(), told }),
    fault() {
      if (refusals !== undefined) return refusals.fault();
      refusals = tryOpen();
      return undefined;
    },
    close() {
      atTheEnd = readDenied();
      refusals?.close();
      counter.close();
    },
  };
}
