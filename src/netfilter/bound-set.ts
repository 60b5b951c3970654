/**
 * The kernel's sets of addresses that bound names own, as their keeper sees them; `io/bound-set.ts` speaks to
 * the kernel. A key is 4 octets or 16.
 */
export interface BoundSet {
  add(key: Uint8Array): void;
  /** Has no effect if it is gone already. */
  remove(key: Uint8Array): void;
  /** Both sets are empty then, except for what is added after it. */
  clear(): void;
  /**
   * Puts everything that is queued in force, in order, and returns once the kernel has acknowledged it.
   * Throws KernelError: nothing of it is then in force, and the queue is empty. If nothing is queued, it
   * costs nothing.
   */
  commit(): void;
}
