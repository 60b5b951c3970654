/**
 * What chain `egress` says to the first packet of a flow that a process of the workload opens, and by which
 * of its rules: the chain read by a person, in its order. `test/netns/explain-kernel.test.ts` holds it
 * against the kernel.
 *
 * Known limits: routes are not asked, so what has none passes here; callers' flows and what the kernel sends
 * by itself are not spoken of.
 */
import type { CompiledPolicy } from "../../policy/compile.ts";
import type { Decision } from "../../policy/decision.ts";
import { decideAddressFlow } from "../../policy/decide-address.ts";
import { type FlowKind, type FlowSet, holdsFlow, isNone } from "../../policy/flow-set.ts";
import { type Prefix, parsePrefix } from "../../policy/prefix.ts";
import { beginsWith } from "../../policy/target-bits.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { parseAddress } from "../../policy/address.ts";
import type { EnforcementMode } from "../../netfilter/ruleset.ts";

/** What the chain's rules are made from. */
export interface KernelView {
  readonly mode: EnforcementMode;
  /** In force; of audit mode what it enforces. */
  readonly policy: CompiledPolicy;
  readonly upstreams: readonly Endpoint[];
  readonly exemptNameservers: readonly string[];
  readonly doh: readonly string[] | undefined;
  /** Of this namespace. */
  readonly ownAddresses: readonly string[];
  /** As `192.0.2.2/24`: the last address of each is a broadcast. */
  readonly onLinkV4: readonly string[];
  /** What lookups have opened of the address. */
  readonly learnedFlows: (octets: Uint8Array) => FlowSet;
  readonly isRevoked: (octets: Uint8Array) => boolean;
}

export const TRIED_PROTOCOLS = ["tcp", "udp", "icmp"] as const;

/** The first packet, as far as it decides. */
export interface FirstPacket {
  /** 4 octets, or 16. */
  readonly octets: Uint8Array;
  /** Undefined: one that no rule for ports speaks of. */
  readonly port: number | undefined;
  readonly protocol: (typeof TRIED_PROTOCOLS)[number];
}

/**
 * `mode`: connections are not judged. `resolver`: it goes to the sidecar's resolver, whatever its address.
 * `exempt`: a resolver that may be asked directly. `upstream`: nobody but the sidecar asks one. `loopback`:
 * it stays in the sandbox. `group`: broadcast or multicast of IPv4. `dns-over-tls`, `dns-over-https`:
 * encrypted lookups. `rule`, `learned`, `ports`, `revoked`, `default`: by the policy; `ports`: the rules of
 * its names allow other flows to it.
 */
export type VerdictReason =
  | "mode"
  | "resolver"
  | "exempt"
  | "upstream"
  | "loopback"
  | "group"
  | "dns-over-tls"
  | "dns-over-https"
  | "rule"
  | "learned"
  | "ports"
  | "revoked"
  | "default";

export interface KernelVerdict {
  readonly passes: boolean;
  readonly by: VerdictReason;
  /** Where a rule of the policy decides. */
  readonly decision?: Decision;
}

export function judgeFirstPacket(view: KernelView, packet: FirstPacket): KernelVerdict {
  return judgeByPort(view, packet) ?? judgeByPlace(view, packet) ?? judgeByPolicy(view, packet);
}

const [DNS, DNS_OVER_TLS, HTTPS] = [53, 853, 443];

/** What comes before the rules for addresses, in both modes. */
function judgeByPort(view: KernelView, { octets, port, protocol }: FirstPacket): KernelVerdict | undefined {
  if (port === undefined || protocol === "icmp") return undefined;
  if (port === DNS) {
    return { passes: true, by: holdsAddress(view.exemptNameservers, octets) ? "exempt" : "resolver" };
  }
  const isUpstream = view.upstreams.some(
    (upstream) => upstream.port === port && holdsAddress([upstream.address], octets),
  );
  return isUpstream ? { passes: false, by: "upstream" } : undefined;
}

function judgeByPlace(view: KernelView, packet: FirstPacket): KernelVerdict | undefined {
  const { octets, port, protocol } = packet;
  if (isLoopback(octets) || holdsAddress(view.ownAddresses, octets)) return { passes: true, by: "loopback" };
  if (view.mode === "dns") return { passes: true, by: "mode" };
  if (isGroup(octets, view.onLinkV4)) return { passes: false, by: "group" };
  if (protocol === "icmp") return undefined;
  if (port === DNS_OVER_TLS) return { passes: false, by: "dns-over-tls" };
  if (port === HTTPS && liesInOne(view.doh ?? [], octets)) return { passes: false, by: "dns-over-https" };
  return undefined;
}

function judgeByPolicy({ policy, learnedFlows, isRevoked }: KernelView, packet: FirstPacket): KernelVerdict {
  const { octets } = packet;
  const flow = flowOf(packet);
  const decision = decideAddressFlow(policy, octets, flow);
  if (decision.rule !== undefined) return { passes: decision.action === "allow", by: "rule", decision };
  const learned = learnedFlows(octets);
  if (holdsFlow(learned, flow)) return { passes: true, by: "learned" };
  if (!isNone(learned) && policy.audits === undefined) return { passes: false, by: "ports" };
  if (policy.fallback.action === "allow" && isRevoked(octets)) return { passes: false, by: "revoked" };
  return { passes: policy.fallback.action === "allow", by: "default", decision };
}

/** A packet without a port has one that no rule names. */
export function flowOf({ protocol, port = 0 }: Pick<FirstPacket, "protocol" | "port">): FlowKind {
  return { protocol, port: protocol === "icmp" ? 0 : port };
}

/** A socket that is connected to the unspecified address is connected to loopback. */
function isLoopback(octets: Uint8Array): boolean {
  if (octets.every((octet) => octet === 0)) return true;
  if (octets.length === 4) return octets[0] === 127;
  return octets.every((octet, index) => octet === (index === 15 ? 1 : 0));
}

function isGroup(octets: Uint8Array, onLink: readonly string[]): boolean {
  if (octets.length !== 4) return false;
  const first = octets[0] ?? 0;
  if ((first >= 224 && first < 240) || octets.every((octet) => octet === 255)) return true;
  return onLink.some((text) => isBroadcastOf(text, octets));
}

/** Prefixes of 31 bits and more have none (RFC 3021). */
function isBroadcastOf(text: string, octets: Uint8Array): boolean {
  const prefix = parsePrefix(text);
  if (!prefix.ok || prefix.value.family !== 4 || prefix.value.length > 30) return false;
  if (!liesIn(prefix.value, octets)) return false;
  return octets.every((octet, index) => {
    const hostBits = Math.min(8, Math.max(0, 8 * (index + 1) - prefix.value.length));
    return (octet & (0xff >>> (8 - hostBits))) === 0xff >>> (8 - hostBits);
  });
}

function liesInOne(texts: readonly string[], octets: Uint8Array): boolean {
  return texts.some((text) => {
    const prefix = parsePrefix(text);
    return prefix.ok && liesIn(prefix.value, octets);
  });
}

function liesIn(prefix: Prefix, octets: Uint8Array): boolean {
  return prefix.octets.length === octets.length && beginsWith(octets, 0, prefix.octets, prefix.length);
}

function holdsAddress(texts: readonly string[], octets: Uint8Array): boolean {
  return texts.some((text) => {
    const parsed = parseAddress(text.split("%", 1).join());
    return parsed.ok && Buffer.from(parsed.value.octets).equals(octets);
  });
}
