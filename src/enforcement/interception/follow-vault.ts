/**
 * Keeps the addresses that are led to the interceptor in step with the vault and with what is learned: what a
 * name has given before it was bound is taken in, and what is over is taken out.
 */
import type { BoundAddresses } from "../../intercept/bound-addresses.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { type DomainName, isDomainName } from "../../policy/domain-name.ts";
import { renderHostPattern } from "../../vault/host-pattern.ts";
import type { VaultInForce } from "../../vault/vault-in-force.ts";
import type { Vault } from "../../vault/vault.ts";

export interface BoundFollowerOptions {
  readonly vault: Vault;
  readonly addresses: BoundAddresses;
  readonly learned: Pick<LearnedAddresses, "all" | "has">;
  /**
   * Other hosts are bound by now, and the kernel knows. `hasNew`: some addresses were not led to the
   * interceptor before.
   */
  readonly onFollowed: (hasNew: boolean) => void;
  /** Hears that the kernel did not take a change of the vault's: the next look tries it again. */
  readonly onRefused: (error: unknown) => void;
}

export interface BoundFollower {
  /**
   * The kernel has the sets by now: they hold what they should after it, and the vault is followed. Throws
   * KernelError.
   */
  begin(): void;
  /** The kernel's sets may hold anything: they hold what they should after it. Throws KernelError. */
  rewrite(): void;
  /** Takes out what is not in force any more. To be called about once a second. Throws KernelError. */
  look(): void;
  /** The kernel may not have what it should. */
  isStale(): boolean;
  close(): void;
}

export function createBoundFollower(options: BoundFollowerOptions): BoundFollower {
  const { vault, addresses, learned } = options;
  let isStale = true;
  let unsubscribe: (() => void) | undefined;

  const isBound = (name: DomainName): boolean => vault.inForce().isBoundHost(name);
  /** What of learned addresses bound names own. Whether some of it was not there. */
  function takeIn(): boolean {
    if (!vault.inForce().hasBindings) return false;
    let hasNew = false;
    for (const { key, owners } of learned.all()) {
      for (const owner of owners) {
        if (!isDomainName(owner) || !isBound(owner)) continue;
        hasNew = addresses.give(owner, key, 0, key.length) || hasNew;
      }
    }
    return hasNew;
  }
  function follow(): void {
    isStale = true;
    addresses.keepOnly(isBound, learned.has);
    const hasNew = takeIn();
    addresses.commit();
    isStale = false;
    options.onFollowed(hasNew);
  }
  function followAnew(): void {
    addresses.rewrite();
    follow();
  }
  function onVaultChanged(after: VaultInForce, before: VaultInForce): void {
    if (!isStale && hostsOf(after) === hostsOf(before)) return;
    try {
      follow();
    } catch (error) {
      options.onRefused(error);
    }
  }

  return {
    begin() {
      followAnew();
      unsubscribe = vault.subscribe(onVaultChanged);
    },
    rewrite() {
      isStale = true;
      addresses.rewrite();
      addresses.commit();
      isStale = false;
    },
    look() {
      if (isStale) return followAnew();
      if (addresses.size() === 0) return;
      addresses.keepOnly(() => true, learned.has);
      addresses.commit();
    },
    isStale: () => isStale,
    close: () => unsubscribe?.(),
  };
}

/** What of the vault decides which flows are answered. */
function hostsOf({ bindings }: VaultInForce): string {
  return bindings.flatMap(({ match }) => [...match.schemes, ...match.hosts.map(renderHostPattern)]).join(" ");
}
