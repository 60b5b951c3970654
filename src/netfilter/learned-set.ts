/**
 * The kernel's sets of learned and revoked addresses, as their keeper sees them; `io/learned-set.ts` speaks
 * to the kernel.
 */

import type { Action } from "../policy/rule.ts";
import type { FlowPiece } from "./ranges/flow-pieces.ts";

/** An element as the kernel holds it now. */
export interface HeldElement {
  readonly key: Buffer;
  readonly timeoutMs: number;
  /** Time left. */
  readonly expiresInMs: number;
  readonly comment: string;
}

/** An element for some flows to an address: `allow` in dyn_allow_ports, `deny` in dyn_deny_ports. */
export interface FlowElement {
  readonly verdict: Action;
  readonly piece: FlowPiece;
}

/** The same, as the kernel holds it now. Its key is the address. */
export interface HeldFlowElement extends HeldElement {
  readonly piece: FlowPiece;
}

/**
 * Queue with `add`, `refresh` and `remove`, then `commit`. A key is 4 octets (dyn_allow_v4) or 16
 * (dyn_allow_v6).
 */
export interface LearnedSet {
  /** The netlink port that its changes come from. */
  readonly port: number;
  /**
   * Adds an address that is not in the set. If it were there, its timeout would stay as it is. A comment that
   * is too long is left out.
   */
  add(key: Uint8Array, timeoutMs: number, comment: string): void;
  /** Adds an address that is or was in the set. Its timeout starts anew, and at no instant is it out. */
  refresh(key: Uint8Array, timeoutMs: number, comment: string): void;
  /** Takes an address out; no effect if it is gone already. */
  remove(key: Uint8Array): void;
  /** Adds an address that a change has denied: its timeout among the revoked ones starts anew. */
  revoke(key: Uint8Array, timeoutMs: number, comment: string): void;
  /** Takes an address that is allowed again out of the revoked ones, if it is there. */
  unrevoke(key: Uint8Array): void;
  /**
   * Adds some flows to an address. None of the address's elements in the set may overlap, except those that
   * the same batch takes out before.
   */
  addPiece(key: Uint8Array, element: FlowElement, timeoutMs: number, comment: string): void;
  /** No effect if it is gone already. */
  removePiece(key: Uint8Array, element: FlowElement): void;
  /** Drops what is queued. */
  discard(): void;
  /**
   * Puts all that is queued in force, and returns once the kernel has acknowledged it. Throws {@link
   * LearnedSetError}.
   */
  commit(): void;
  /**
   * What the kernel holds now, in parts; nothing if there is no such set. It drops what is queued, and nobody
   * may queue before the last part is read. Throws {@link LearnedSetError}.
   */
  dump(family: 4 | 6): Iterable<readonly HeldElement[]>;
  /** The same for what it holds as revoked. Throws {@link LearnedSetError}. */
  dumpRevoked(family: 4 | 6): Iterable<readonly HeldElement[]>;
  /** The same for flows; undefined if there is no such set. Throws {@link LearnedSetError}. */
  dumpPieces(family: 4 | 6, verdict: Action): readonly HeldFlowElement[] | undefined;
  close(): void;
}
