/**
 * How much memory intercepted flows may take, by what the sidecar may have. A workload opens as many as it
 * likes and sends what has to be kept; the kernel would end the whole process, and the vault with it.
 *
 * Known limit: what the kernel itself keeps of connections to hosts is not bounded. Version 2 of cgroups
 * counts that too: up to 6 MiB for a host that sends fast to a client that has stopped reading.
 */

export interface FlowBounds {
  /** Flows that are open. */
  readonly flows: number;
  /** Of these, flows that have shown no name yet. */
  readonly unnamed: number;
  /** What flows take, and all that is kept for them, in octets. */
  readonly octets: number;
  /** Beside it, what sessions of HTTP/2 may have together for windows larger than the smallest. */
  readonly windowOctets: number;
  /**
   * What the kernel may keep of a client that is not read, or does not read; undefined: as much as it finds
   * useful.
   */
  readonly kernelOctets: number | undefined;
}

const MIB = 1 << 20;

/** Where there is memory enough. */
const LARGEST: FlowBounds = {
  flows: 2048,
  unnamed: 512,
  octets: 1024 * MIB,
  windowOctets: 256 * MIB,
  kernelOctets: undefined,
};

/**
 * The sidecar's own: 25 to 60 MiB that it takes, 40 that callers of its API may, and 44 of buffers that V8
 * has not yet collected.
 */
const OWN_OCTETS = 144 * MIB;
/** Where a limit leaves less than that. */
const LEAST_PART = 8;
/** Flows of the smallest size are bounded by their number, lest the kernel's part of each be too much. */
const FLOW_OCTETS = 64 << 10;
const UNNAMED_PART = 4;
const WINDOW_PART = 4;
/** The kernel doubles it; clients are on this machine, for whom more makes nothing faster. */
const KERNEL_OCTETS = 64 << 10;

/** `limitOctets`: of the sidecar's container; undefined if there is none. */
export function flowBoundsFor(limitOctets: number | undefined): FlowBounds {
  if (limitOctets === undefined) return LARGEST;
  const left = Math.max(limitOctets - OWN_OCTETS, Math.floor(limitOctets / LEAST_PART));
  if (left >= LARGEST.octets + LARGEST.windowOctets) return LARGEST;
  const windowOctets = Math.min(LARGEST.windowOctets, Math.floor(left / WINDOW_PART));
  const octets = left - windowOctets;
  const flows = Math.min(LARGEST.flows, Math.floor(octets / FLOW_OCTETS));
  return {
    flows,
    unnamed: Math.min(LARGEST.unnamed, Math.ceil(flows / UNNAMED_PART)),
    octets,
    windowOctets,
    kernelOctets: KERNEL_OCTETS,
  };
}
