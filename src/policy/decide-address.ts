import { isIpv4Mapped } from "./address.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Decision, RankedDecision } from "./decision.ts";
import type { RuleTrie } from "./rule-trie.ts";
import { holdsApp } from "./app.ts";
import { type FlowKind, holdsFlow } from "./flow-set.ts";
import { findFirstAllow, type ScopedMatch, sortMatches } from "./scoped-matches.ts";
import { beginsWith } from "./target-bits.ts";
import { findWrappedV4 } from "./wrapped-v4.ts";

/**
 * Which rule without a scope decides an address; `rule: undefined` means the default action did. The
 * address's octets stand in the buffer at the offset, in network order. An IPv4-mapped IPv6 address is judged
 * as the IPv4 address. Throws `RangeError` if the address does not lie within the buffer. It costs as much as
 * `decideName`, and allocates nothing.
 */
export function decideAddress(
  policy: CompiledPolicy,
  octets: Uint8Array,
  offset: number,
  length: 4 | 16,
): Decision {
  return findIn(policy.rules, octets, offset, length) ?? policy.fallback;
}

/**
 * The same for an address that a name gives. If no rule speaks of an IPv6 address that wraps one of IPv4
 * (NAT64, 6to4), what denies that one decides: a translator would lead there. Known limit: the kernel's rules
 * for addresses do not look into them. Where the default action allows, such an address is reached without a
 * name, unless a rule denies it or its prefix.
 */
export function decideGivenAddress(
  policy: CompiledPolicy,
  octets: Uint8Array,
  offset: number,
  length: 4 | 16,
): Decision {
  const own = decideAddress(policy, octets, offset, length);
  if (length === 4 || own.rule !== undefined) return own;
  const wrapped = findWrappedV4(octets, offset);
  const inner = wrapped < 0 ? undefined : findIn(policy.rules, octets, wrapped, 4);
  return inner?.action === "deny" ? inner : own;
}

/** Which rule decides a flow to the address, scopes among them. */
export function decideAddressFlow(policy: CompiledPolicy, octets: Uint8Array, flow: FlowKind): Decision {
  const length = octets.length === 4 ? 4 : 16;
  let found = findIn(policy.rules, octets, 0, length);
  for (const { flows, app, rules } of policy.scoped) {
    if (!holdsFlow(flows, flow) || !holdsApp(app, flow.app)) continue;
    const other = findIn(rules, octets, 0, length);
    if (other !== undefined && (found === undefined || other.rank < found.rank)) found = other;
  }
  return found ?? policy.fallback;
}

/** The first rule with a scope that lets some flow to the address pass; undefined if there is none. */
export function findScopedAllow(
  policy: CompiledPolicy,
  octets: Uint8Array,
  offset: number,
  length: 4 | 16,
): RankedDecision | undefined {
  if (policy.scoped.length === 0) return undefined;
  const base = findIn(policy.rules, octets, offset, length);
  return findFirstAllow(scopedMatches(policy, octets, offset, length), base?.rank);
}

/** All rules with a scope that match the address; the first one in the list decides first. */
function scopedMatches(
  policy: CompiledPolicy,
  octets: Uint8Array,
  offset: number,
  length: 4 | 16,
): readonly ScopedMatch[] {
  return sortMatches(
    policy.scoped.flatMap(({ flows, rules }) => {
      const found = findIn(rules, octets, offset, length);
      return found === undefined ? [] : [{ flows, decision: found }];
    }),
  );
}

function findIn(
  { v4, v6 }: CompiledPolicy["rules"],
  octets: Uint8Array,
  offset: number,
  length: 4 | 16,
): RankedDecision | undefined {
  if (offset < 0 || offset + length > octets.length) throw new RangeError("address outside of its buffer");
  if (length === 4) return findDecision(v4, octets, offset, 32);
  if (isIpv4Mapped(octets, offset)) return findDecision(v4, octets, offset + 12, 32);
  return findDecision(v6, octets, offset, 128);
}

function findDecision(
  trie: RuleTrie,
  octets: Uint8Array,
  offset: number,
  end: number,
): RankedDecision | undefined {
  let found: RankedDecision | undefined;
  for (let node = trie; node !== undefined;) {
    const { own, bits, sample } = node;
    if (own !== undefined && (found === undefined || own.rank < found.rank)) {
      if (sample.kind !== "prefix" || beginsWith(octets, offset, sample.prefix.octets, bits)) found = own;
    }
    if (bits === end) break;
    const octet = octets[offset + (bits >>> 3)] ?? 0;
    node = ((octet >>> (7 - (bits & 7))) & 1) === 0 ? node.zero : node.one;
  }
  return found;
}
