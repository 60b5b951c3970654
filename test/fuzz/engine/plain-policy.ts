/**
 * Deciding as a person reads a policy: rules from the top, the first that matches, label by label. Nothing of
 * ours is used.
 */
import { BlockList, isIP } from "node:net";

export interface PlainRule {
  readonly action: "allow" | "deny";
  /** Canonical: a name, `*.` and a name, or an address or prefix. */
  readonly target: string;
}

export interface PlainPolicy {
  readonly defaultAction: "allow" | "deny";
  readonly egress: readonly PlainRule[];
}

/**
 * What the first rule that speaks of the name says; a label with other octets than those of host names is
 * denied always.
 */
export function decidePlainly(policy: PlainPolicy, labels: readonly string[]): "allow" | "deny" {
  const canonical = labels.map((label) => label.toLowerCase());
  if (canonical.some((label) => !/^[a-z0-9_-]+$/.test(label))) return "deny";
  const rule = policy.egress.find(({ target }) => matchesName(target, canonical));
  return (rule ?? { action: policy.defaultAction }).action;
}

function matchesName(target: string, labels: readonly string[]): boolean {
  if (isIP(target) !== 0 || target.includes("/")) return false;
  const wanted = target.split(".");
  if (wanted[0] !== "*")
    return wanted.length === labels.length && wanted.every((label, n) => label === labels[n]);
  const base = wanted.slice(1);
  const tail = labels.slice(-base.length);
  return labels.length > base.length && base.every((label, n) => label === tail[n]);
}

/** What the first rule that speaks of the address says; undefined when none does. */
export function decideAddressPlainly(policy: PlainPolicy, address: string): "allow" | "deny" | undefined {
  return policy.egress.find(({ target }) => matchesAddress(target, address))?.action;
}

function matchesAddress(target: string, address: string): boolean {
  const [network = "", bits] = target.split("/");
  const family = isIP(network) === 4 ? "ipv4" : "ipv6";
  if (isIP(network) === 0 || isIP(network) !== isIP(address)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits === undefined ? (family === "ipv4" ? 32 : 128) : Number(bits), family);
  return list.check(address, family);
}
