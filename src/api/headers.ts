/** Carries the token as it is. */
export const TOKEN_HEADER = "OPENSANDBOX-EGRESS-AUTH";

/** Carries, instead of the token, a proof of knowing it: see `signature.ts`. */
export const SIGNATURE_HEADER = "OPENSANDBOX-EGRESS-SIGNATURE";
