/** Which bindings a host has, at which ports its requests are read for them, and since when. */
import type { DomainName } from "../../policy/domain-name.ts";
import { HTTP_PORTS, type HttpPort, schemeAt } from "../../policy/http-scope.ts";
import type { Binding, BindingMatch } from "../../vault/binding.ts";
import { coversHost } from "../../vault/vault-in-force.ts";
import type { Vault } from "../../vault/vault.ts";

export interface HostBinding {
  readonly name: string;
  readonly ports: readonly HttpPort[];
  /** Unix time of the write that has made it as it is. */
  readonly sinceMs: number;
  /** Why no request gets its credential. */
  readonly problem: string | undefined;
}

export interface BoundHosts {
  /** None where connections to the host are not intercepted. */
  bindingsOf(host: DomainName): readonly HostBinding[];
  close(): void;
}

/** `nowMs`: Unix time. */
export function createBoundHosts(vault: Vault, nowMs: () => number): BoundHosts {
  // What a binding matches is the same value until a write replaces it.
  const since = new WeakMap<BindingMatch, number>();
  const note = (bindings: readonly Binding[]): void => {
    for (const { match } of bindings) if (!since.has(match)) since.set(match, nowMs());
  };
  note(vault.inForce().bindings);
  const unsubscribe = vault.subscribe(({ bindings }) => note(bindings));
  return {
    bindingsOf: (host) =>
      vault
        .inForce()
        .bindings.filter((binding) => coversHost(binding, host))
        .map(({ name, match, unavailable }) => ({
          name,
          ports: HTTP_PORTS.filter((port) => match.schemes.includes(schemeAt(port))),
          sinceMs: since.get(match) ?? nowMs(),
          problem: unavailable,
        })),
    close: unsubscribe,
  };
}
