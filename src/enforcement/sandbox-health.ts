import { findSilentTransport } from "../dns/io/self-check.ts";
import type { DnsServer } from "../dns/io/server.ts";
import type { Health } from "./change/policy-control.ts";

/**
 * What is known to be wrong, before and after a look at whether the resolver answers. Anyone may ask, as
 * often as he likes: who asks while others do shares their look, for each takes some descriptors.
 */
export function createHealthCheck(
  known: readonly (() => readonly string[])[],
  server: () => Pick<DnsServer, "listening" | "ping"> | undefined,
): () => Promise<Health> {
  let look: Promise<Health> | undefined;
  return async () => {
    const fault = findFault();
    if (fault !== undefined) return fault;
    look ??= checkTransports(server()).finally(() => {
      look = undefined;
    });
    const found = await look;
    return findFault() ?? found;
  };

  function findFault(): Health | undefined {
    const [reason] = known.flatMap((read) => read());
    return reason === undefined ? undefined : { ok: false, reason };
  }
}

async function checkTransports(server: Pick<DnsServer, "listening" | "ping"> | undefined): Promise<Health> {
  if (server === undefined) return { ok: false, reason: "the resolver is not listening yet" };
  const silent = await Promise.all(
    server.listening.map((local) => findSilentTransport(local, server.ping, 1000)),
  );
  const reason = silent.find((text) => text !== undefined);
  return reason === undefined ? { ok: true } : { ok: false, reason };
}
