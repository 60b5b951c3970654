/** What the far end and the client of the rows of names have in common. */

/** Every address of names leads to the far end: see `numbered-names.ts`. */
export const NAMES_NETWORK = "10.0.0.0/8";
export const TLS_PORT = 443;
/** A hello is answered in TLS's form, then octets go as the first one behind it says. */
export const STREAM_PORT = 8443;
/** HTTP without TLS: a GET is answered by octets without an end, a PUT's are taken. */
export const PLAIN_PORT = 8080;
export const ENDLESS = "Content-Length: 1000000000000";
export const ASKS = { down: 0x44, up: 0x55, echo: 0x45 } as const;
export const PIECE = 1 << 18;
