/** What the machine and this process use, read when asked for. */
import { closeSync, openSync, readSync } from "node:fs";
import { freemem, totalmem } from "node:os";

export interface MachineReadings {
  /**
   * Octets in use on the machine: all but what can be had without swapping. In a container it is the host's,
   * as in the original.
   */
  memoryOctets(): number;
  /**
   * The part of the machine's processor time that was not idle since the reading before, 0 to 1; 0 at first.
   */
  cpuUtilization(): number;
  /** Octets of this process that are in memory, and seconds of processor time that it has used. */
  processMemoryOctets(): number;
  processCpuSeconds(): number;
}

/** Two who read by turns would each have a part of the time only: a reading serves for this long. */
const SHARED_MS = 1000;

export function createMachineReadings(
  nowMs: () => number = () => performance.now(),
  readTimes: () => CpuTimes = readCpuTimes,
): MachineReadings {
  let last = readTimes();
  let lastMs = -Infinity;
  let utilization = 0;
  return {
    memoryOctets: () => totalmem() - freemem(),
    cpuUtilization() {
      if (nowMs() - lastMs < SHARED_MS) return utilization;
      const times = readTimes();
      const total = times.total - last.total;
      if (total > 0) utilization = Math.min(Math.max(1 - (times.idle - last.idle) / total, 0), 1);
      last = times;
      lastMs = nowMs();
      return utilization;
    },
    processMemoryOctets: () => process.memoryUsage.rss(),
    processCpuSeconds() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  };
}

/** Ticks since the machine's start. */
export interface CpuTimes {
  readonly total: number;
  readonly idle: number;
}

/**
 * The first line of /proc/stat, `cpu  user nice system idle iowait irq softirq steal ...`; proc(5). Guests'
 * time is in the first two already. Node's own `os.cpus()` reads all processors and their clocks,
 * milliseconds on a large machine.
 */
function readCpuTimes(): CpuTimes {
  const line = Buffer.alloc(256);
  try {
    const fd = openSync("/proc/stat", "r");
    const length = readSync(fd, line);
    closeSync(fd);
    return parseCpuTimes(line.toString("latin1", 0, length));
  } catch {
    return { total: 0, idle: 0 }; // no /proc: the gauge stays at 0
  }
}

export function parseCpuTimes(text: string): CpuTimes {
  const [, ...ticks] = (text.split("\n")[0] ?? "").split(/\s+/);
  const counted = ticks.slice(0, 8).map(Number);
  const total = counted.reduce((sum, value) => sum + value, 0);
  return { total, idle: (counted[3] ?? 0) + (counted[4] ?? 0) };
}
