import type { Refusal } from "../refusal.ts";

/** What is known of a caller before its body is read. */
export type Sender =
  | { readonly ok: false; readonly refusal: Refusal }
  /**
   * `isProved`: by the token, the socket, or a signature over the digest that the call carries. `isSigned`:
   * `refuseSignature` has to follow.
   */
  | { readonly ok: true; readonly isProved: boolean; readonly isSigned: boolean };

export interface AuthParts {
  readonly nowMs: () => number;
  /** When the process began to take calls, by the same clock. */
  readonly startMs: number;
}
