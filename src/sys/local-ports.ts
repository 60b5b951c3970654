import { readFileSync } from "node:fs";

const RANGE_FILE = "/proc/sys/net/ipv4/ip_local_port_range";
const LOWEST = 1024;
const HIGHEST = 65_535;

/**
 * Ports that the kernel gives to nobody by itself, so that no client is ever given one that was the
 * sidecar's.
 */
export interface OwnPorts {
  readonly count: number;
  /** Port number `index`, 0 to `count - 1`. */
  port(index: number): number;
}

/** Reads the namespace's `ip_local_port_range`. `count` is 0 if it covers all ports from 1024 on. */
export function readOwnPorts(
  read: (path: string) => string = (path) => readFileSync(path, "ascii"),
): OwnPorts {
  const [low = 32_768, high = 60_999] = read(RANGE_FILE).trim().split(/\s+/).map(Number);
  const below = Math.max(low - LOWEST, 0);
  const above = Math.max(HIGHEST - high, 0);
  return {
    count: below + above,
    port: (index) => (index < below ? LOWEST + index : high + 1 + index - below),
  };
}
