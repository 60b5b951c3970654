/** Carries the token as it is. */
export const TOKEN_HEADER = "OPENSANDBOX-EGRESS-AUTH";

/** Says, with `on`, that audit mode is on: in every answer of the API, that of /healthz too. */
export const AUDIT_HEADER = "OPENSANDBOX-EGRESS-AUDIT";

/**
 * How many names and addresses were seen that a suggestion knows nothing of any more; absent if there are
 * none.
 */
export const CUT_HEADER = "OPENSANDBOX-EGRESS-CUT";

/** Carries, instead of the token, a proof of knowing it: see `signature.ts`. */
export const SIGNATURE_HEADER = "OPENSANDBOX-EGRESS-SIGNATURE";
