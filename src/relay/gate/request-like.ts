/**
 * Whether an origin of HTTP/1.1 that does not read a body could take it for its next request. What it leaves
 * unread is followed by the head that goes out next, with a secret in it, which would be that request's body,
 * or its header.
 */
import { CR, isTokenOctet, LF } from "./octets.ts";

export interface RequestLikeness {
  add(octets: Buffer): void;
  /**
   * It may begin a request line, end one, or have one in it. Compact JSON does none of this: it has no line
   * break, and begins and ends with what no method may have.
   */
  isLike(): boolean;
}

export function createRequestLikeness(): RequestLikeness {
  let isBegun = false;
  let isLike = false;
  let last: number | undefined;
  return {
    add(octets) {
      const first = octets[0];
      if (first === undefined) return;
      if (!isBegun) isLike = isTokenOctet(first);
      isBegun = true;
      last = octets.at(-1);
      isLike ||= octets.includes(LF) || octets.includes(CR);
    },
    isLike: () => isLike || (last !== undefined && isTokenOctet(last)),
  };
}
