/** What the compiler reads off an address's text. */
export function isIpv4(address: string): boolean {
  return !address.includes(":");
}

/** In 127.0.0.0/8, or ::1. */
export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/**
 * The addresses that every program means by localhost: they are not a resolver's own, even if one listens
 * there.
 */
export function isLocalhost(address: string): boolean {
  return address === "::1" || address === "127.0.0.1";
}
