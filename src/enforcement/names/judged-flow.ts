/** A connection whose beginning is judged. Of TCP. */
export interface JudgedFlow {
  readonly isStrict: boolean;
  readonly port: number;
  /** Of the far end: 4 octets or 16. */
  readonly address: Uint8Array;
  /** Names that have given the address, as far as they are known. */
  readonly owners: () => readonly string[];
  /** Whether names that have given it open the port. */
  readonly isLearned: () => boolean;
}

/** The same, or one to a name that nobody has looked up: no rule for addresses is asked. */
export type FlowAnywhere = Omit<JudgedFlow, "address"> & { readonly address: Uint8Array | undefined };
