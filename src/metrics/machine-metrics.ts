import type { MachineReadings } from "./io/machine.ts";
import { counter, gauge } from "./make-metric.ts";
import type { Metric } from "./metric.ts";

/**
 * `egress.system.*` are the machine's, in a container too, as in the original; `egress.process.*` the
 * sidecar's own.
 */
export function machineMetrics(machine: MachineReadings): readonly Metric[] {
  return [
    {
      ...gauge("egress.system.memory.usage_bytes", "Memory in use on the machine", machine.memoryOctets()),
      unit: "By",
    },
    {
      ...gauge("egress.system.cpu.utilization", "Busy part of the machine's time", machine.cpuUtilization()),
      unit: "1",
      whole: false,
    },
    {
      ...gauge(
        "egress.process.memory.usage_bytes",
        "Memory of this process that is resident",
        machine.processMemoryOctets(),
      ),
      unit: "By",
    },
    {
      ...counter("egress.process.cpu.time", "Processor time of this process", machine.processCpuSeconds()),
      unit: "s",
      whole: false,
    },
  ];
}
