/** What one attempt has shown. */
export interface Finding {
  /** What was tried, in few words; `IPv4` and `IPv6` stand apart in `family`. */
  readonly what: string;
  readonly family?: Family;
  readonly outcome: Outcome;
  /** Why: for people. */
  readonly detail: string;
}

/** `held`: it was tried, and stopped. `open`: something got out. `untried`: neither can be said. */
export type Outcome = "held" | "open" | "untried";

export type Family = "IPv4" | "IPv6";
