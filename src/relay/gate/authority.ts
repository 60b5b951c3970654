/** A host and its port, as `Host` and `:authority` have it. */
export interface Authority {
  /** In lower case, without the dot at its end. */
  readonly name: string;
  /** `undefined` if there is none: the scheme's own. */
  readonly port: number | undefined;
}

/**
 * Letters, digits, hyphens, underscores and dots, with a port, without user; brackets only around an address.
 * `undefined` for any other text.
 */
export function parseAuthority(text: string): Authority | undefined {
  const match =
    /^(?<name>[a-z\d_](?:[a-z\d_.-]{0,252}[a-z\d_])?\.?|\[[\da-f:.]{2,45}\])(?::(?<port>\d{1,5}))?$/i.exec(
      text,
    );
  const name = match?.groups?.["name"];
  if (name === undefined || name.includes("..")) return undefined;
  const port = match?.groups?.["port"];
  if (port !== undefined && (Number(port) === 0 || Number(port) > 65_535)) return undefined;
  return {
    name: name.toLowerCase().replace(/\.$/, ""),
    port: port === undefined ? undefined : Number(port),
  };
}

export function isSameAuthority(one: Authority, other: Authority, schemePort: number): boolean {
  return one.name === other.name && (one.port ?? schemePort) === (other.port ?? schemePort);
}
