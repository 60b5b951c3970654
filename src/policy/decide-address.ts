import { isIpv4Mapped } from "./address.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Decision } from "./decision.ts";
import { findInterval } from "./intervals.ts";

/**
 * Which rule decides the address whose octets stand in the buffer at the offset, in network order; `rule: undefined` means the
 * default action did. An IPv4-mapped IPv6 address is judged as the IPv4 address. Throws `RangeError` when the
 * address does not lie within the buffer. Allocates nothing.
 */
export function decideAddress(
  policy: CompiledPolicy,
  octets: Uint8Array,
  offset: number,
  length: 4 | 16,
): Decision {
  if (offset < 0 || offset + length > octets.length) throw new RangeError("address outside of its buffer");
  const { v4, v6 } = policy.addresses;
  if (length === 4) return findInterval(v4, octets, offset) ?? policy.fallback;
  if (isIpv4Mapped(octets, offset)) return findInterval(v4, octets, offset + 12) ?? policy.fallback;
  return findInterval(v6, octets, offset) ?? policy.fallback;
}
