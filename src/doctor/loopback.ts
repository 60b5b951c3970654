/** Where a process of the sandbox finds what listens beside it. */
export const LOOPBACK = ["127.0.0.1", "::1"] as const;
/** How long what listens there may take to answer. */
export const WAIT_MS = 1000;
