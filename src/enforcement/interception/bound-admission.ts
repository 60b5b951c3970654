import type { AddressAdmission } from "../../dns/ports.ts";
import type { BoundAddresses } from "../../intercept/bound-addresses.ts";
import type { Vault } from "../../vault/vault.ts";

export interface BoundAdmissionOptions {
  readonly learned: AddressAdmission;
  readonly bound: Pick<BoundAddresses, "give" | "commit">;
  readonly vault: Pick<Vault, "inForce">;
  /** Hears why the kernel did not take an address of a bound name. */
  readonly onRefused: (error: unknown) => void;
}

/**
 * The same admission; an address of a bound name is led to the interceptor, too, before its answer is given
 * out. While nothing is bound a lookup pays one property read.
 */
export function createBoundAdmission({
  learned,
  bound,
  vault,
  onRefused,
}: BoundAdmissionOptions): AddressAdmission {
  return {
    learn(qname, octets, at, length, ttlSeconds) {
      learned.learn(qname, octets, at, length, ttlSeconds);
      const inForce = vault.inForce();
      if (inForce.hasBindings && inForce.isBoundHost(qname)) bound.give(qname, octets, at, length);
    },
    commit() {
      const isLed = commitBound();
      // Also if the other has failed: nothing may be left over for the next answer.
      return learned.commit() && isLed;
    },
    epoch: learned.epoch,
  };

  function commitBound(): boolean {
    try {
      bound.commit();
      return true;
    } catch (error) {
      onRefused(error);
      return false;
    }
  }
}
