/**
 * The kernel's sets of addresses that bound names own, as who keeps them sees them; `io/bound-set.ts` speaks
 * to the kernel. A key is 4 octets or 16.
 */
export interface BoundSet {
  add(key: Uint8Array): void;
  /** Fine when it is gone already. */
  remove(key: Uint8Array): void;
  /** Both sets hold nothing then, but what is added after it. */
  clear(): void;
  /**
   * Puts all that is queued in force, in order, and returns once the kernel has acknowledged it. Throws
   * KernelError: nothing of it is in force then, and it is forgotten. Without anything queued it costs
   * nothing.
   */
  commit(): void;
}
