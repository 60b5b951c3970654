/**
 * Names that own an address, as they stand in the comment of an element: parted by blanks, the latest first.
 */
import { MAX_COMMENT_OCTETS } from "../netfilter/wire/set-element.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { decideGivenAddress } from "../policy/decide-address.ts";
import { isDomainName, type DomainName } from "../policy/domain-name.ts";
import { opensFlows } from "../policy/flows-to-learn.ts";
import type { WithheldAddresses } from "./withheld.ts";

/** An address remembers so many names: the first one that gave it, and the latest. */
export const MAX_OWNERS = 8;

/** Whether a name that owns the address is allowed, and no rule denies the address itself. */
export function isAdmitted(policy: CompiledPolicy, octets: Uint8Array, owners: readonly string[]): boolean {
  const { action, rule } = decideGivenAddress(policy, octets, 0, octets.length === 4 ? 4 : 16);
  if (rule !== undefined && action === "deny") return false;
  return owners.some((owner) => isDomainName(owner) && opensFlows(policy, owner));
}

/** Whether a name may give the address, as far as rules for addresses and what is withheld say. */
export function isOpenTo(
  policy: CompiledPolicy,
  octets: Uint8Array,
  withheld: Pick<WithheldAddresses, "has">,
): boolean {
  const { action, rule } = decideGivenAddress(policy, octets, 0, octets.length === 4 ? 4 : 16);
  return rule === undefined ? !withheld.has(octets, 0, octets.length) : action === "allow";
}

/**
 * Whole names only, as far as a comment has room: a name cut short would be another name. One of 252 octets
 * or more is in none.
 */
export function renderOwners(owners: readonly string[]): string {
  const [only = ""] = owners;
  const text = owners.length > 1 ? owners.join(" ") : only;
  if (text.length <= MAX_COMMENT_OCTETS) return text;
  return text.slice(0, Math.max(text.lastIndexOf(" ", MAX_COMMENT_OCTETS), 0));
}

export function parseOwners(comment: string): readonly DomainName[] {
  const names = comment.includes(" ") ? comment.split(" ") : [comment];
  return names.filter((name): name is DomainName => name !== "" && isDomainName(name)).slice(0, MAX_OWNERS);
}
