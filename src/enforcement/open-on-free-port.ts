import { RESOLVER_PORT } from "../dns/resolver-port.ts";
import type { DnsServer } from "../dns/io/server.ts";
import { drawFrom } from "../sys/random.ts";
import { errnoOf } from "./errors.ts";

/** Beside the resolver's port: where it listens at every IPv6 address. */
export function linkPortOf(port: number): number {
  return port + 1;
}
const PORT_TRIES = 8;

export interface FreePortOptions {
  /** Where callers find the API: no port for the resolver. */
  readonly api: { readonly port: number };
  readonly onFault: (message: string, error: unknown) => void;
}

/**
 * Opens the resolver on its port, or, where a process of the workload has taken that, on one that it cannot
 * have foreseen. Throws what the last try threw.
 */
export async function openOnFreePort(
  { api, onFault }: FreePortOptions,
  open: (port: number) => Promise<DnsServer>,
): Promise<DnsServer> {
  for (let tries = 1; ; tries++) {
    const port = tries === 1 ? RESOLVER_PORT : drawFrom(1024, 65_535);
    if (port === api.port || linkPortOf(port) === api.port) continue; // refused to all
    try {
      return await open(port);
    } catch (error) {
      if (errnoOf(error) !== "EADDRINUSE" || tries === PORT_TRIES) throw error;
      onFault(`port ${port} is taken by another process; lookups are redirected to another one`, error);
    }
  }
}
