/**
 * What process 1 of a run's confinement says on its line to us. Once the command has begun, process 1 is as
 * much in the command's hands as the command's own processes: it may be traced, and its descriptors taken. So
 * nothing but words of a kind that is due is taken, one at a time, and none of them names anything.
 */
import type { Duplex } from "node:stream";

export interface Reporting {
  /** The place is ready: the first report, and once. The command has not begun. */
  onReady(): void;
  /** The command has stopped, by the signal with this number. */
  onStopped(signal: number): void;
  /** Something else was said: it is not process 1 of ours any more that speaks. Once, and nothing follows. */
  onForeign(): void;
}

const READY = "ready";
/** A shell's status of a child that a signal has stopped. */
const STOPPED = /^stopped (1[2-9]\d)$/;
const LONGEST_REPORT = 16;
const OF_SIGNAL = 128;

/** Hands on each report that comes. Nothing is taken while an answer has not left: process 1 waits for it. */
export function readReports(control: Duplex, { onReady, onStopped, onForeign }: Reporting): void {
  let rest = "";
  let isReady = false;

  function take(report: string): boolean {
    if (!isReady) {
      if (report !== READY) return false;
      isReady = true;
      onReady();
      return true;
    }
    const [, status] = STOPPED.exec(report) ?? [];
    if (status === undefined || Number(status) <= OF_SIGNAL || control.writableLength > 0) return false;
    onStopped(Number(status) - OF_SIGNAL);
    return true;
  }

  function onData(octets: Buffer): void {
    // One report and its answer: none of ours sends two.
    const text = rest + octets.toString("latin1", 0, LONGEST_REPORT + 1);
    const end = text.indexOf("\n");
    rest = text;
    const isWhole = end !== -1 && end === text.length - 1;
    if (end === -1 && text.length <= LONGEST_REPORT) return;
    rest = "";
    if (isWhole && text.length <= LONGEST_REPORT && take(text.slice(0, -1))) return;
    control.off("data", onData);
    control.resume(); // its end is still heard
    onForeign();
  }
  control.on("data", onData);
}
