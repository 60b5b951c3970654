import { findSilentTransport } from "../dns/io/self-check.ts";
import type { DnsServer } from "../dns/io/server.ts";
import type { Health } from "./policy-control.ts";

/** What is known to be wrong, first; then whether the resolver answers. */
export async function checkHealth(
  known: readonly (() => readonly string[])[],
  server: DnsServer | undefined,
): Promise<Health> {
  const [reason] = known.flatMap((read) => read());
  return reason === undefined ? checkTransports(server) : { ok: false, reason };
}

async function checkTransports(server: DnsServer | undefined): Promise<Health> {
  if (server === undefined) return { ok: false, reason: "the resolver is not listening yet" };
  const silent = await Promise.all(server.listening.map((local) => findSilentTransport(local, 1000)));
  const reason = silent.find((text) => text !== undefined);
  return reason === undefined ? { ok: true } : { ok: false, reason };
}
