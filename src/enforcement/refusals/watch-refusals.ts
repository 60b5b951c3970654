/**
 * Connections that the kernel refuses on their way out: those that it tells of become events, all of them are
 * counted by the kernel. No protection hangs on it, so that a sandbox whose group of the log is somebody
 * else's is as closed as others, and healthy.
 */
import type { AuditLog } from "../../audit/audit-log.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { KernelError } from "../../netfilter/errors.ts";
import { AUDITED_COUNTER, AUDITED_PREFIX } from "../../netfilter/kernel-names.ts";
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
  /** Let through by audit mode, counted by the kernel. */
  readonly audited: number;
}

export interface RefusalWatch {
  /** Once closed, those of the end. Some 10 us. Throws SystemCallError. */
  figures(): RefusalFigures;
  /**
   * Why refused connections were not told since the last look; to be asked about once a second. Tries again
   * to take the group. Throws SystemCallError, KernelError.
   */
  fault(): string | undefined;
  close(): void;
}

export interface RefusalWatchOptions {
  readonly learned: Pick<LearnedAddresses, "namesOf">;
  readonly events: Pick<SandboxEvents, "connectionRefused">;
  readonly audit: Pick<AuditLog, "watchChanged">;
}

/** For mode `dns`, in which the kernel refuses no connection. */
const NO_REFUSALS: RefusalWatch = {
  figures: () => ({ denied: 0, told: 0, audited: 0 }),
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
  const auditCounter = keepOpen(() => openRefusedCounter(AUDITED_COUNTER));
  const auditedTotal = createGrowingCount();
  let told = 0;
  let reason: string | undefined;
  let refusals = tryOpen();

  function tell({ destination, destinationPort, protocol, prefix }: LoggedPacket): void {
    const isAudited = prefix === AUDITED_PREFIX;
    if (!isAudited) told += 1;
    events.connectionRefused.emit({
      address: destination,
      port: destinationPort,
      protocol,
      names: learned.namesOf(destination),
      isAudited,
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

  const readFigures = (): RefusalFigures => ({
    denied: total.take(counter.useAtOnce((opened) => opened.read())),
    told,
    audited: auditedTotal.take(auditCounter.useAtOnce((opened) => opened.read())),
  });
  let atTheEnd: RefusalFigures | undefined;

  return {
    figures: () => atTheEnd ?? readFigures(),
    fault() {
      if (refusals !== undefined) return refusals.fault();
      refusals = tryOpen();
      return undefined;
    },
    close() {
      atTheEnd = readFigures();
      refusals?.close();
      counter.close();
      auditCounter.close();
    },
  };
}
