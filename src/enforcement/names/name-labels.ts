/**
 * The name that a connection has shown, as a label that conntrack keeps with its flow: it outlives this
 * process, and costs no memory of ours.
 *
 * A label is a digest, since it has 16 octets. Whose it is is known of names that were seen since the start,
 * and of those that own the flow's address; the kernel keeps the latter across restarts.
 */
import { createHash } from "node:crypto";
import { LABEL_OCTETS } from "../../netfilter/wire/conntrack.ts";
import { type DomainName, isDomainName } from "../../policy/domain-name.ts";

/** Names of some megabytes. */
const MAX_NAMES = 16_384;

export interface NameLabels {
  /** The label of a name, which is known from now on. */
  take(name: DomainName): Buffer;
  /** The name of a flow's label, where it is known; `owners` are names that own the flow's far end. */
  nameOf(label: Uint8Array, owners: readonly string[]): DomainName | undefined;
}

export function createNameLabels(maxNames = MAX_NAMES): NameLabels {
  /** By their labels; the one that was seen last comes last. */
  const names = new Map<string, DomainName>();
  return {
    take(name) {
      const label = toLabel(name);
      const key = label.toString("latin1");
      names.delete(key);
      names.set(key, name);
      const [oldest] = names.keys();
      if (names.size > maxNames && oldest !== undefined) names.delete(oldest);
      return label;
    },
    nameOf(label, owners) {
      const known = names.get(Buffer.from(label).toString("latin1"));
      if (known !== undefined) return known;
      return owners.find((owner): owner is DomainName => isDomainName(owner) && toLabel(owner).equals(label));
    },
  };
}

function toLabel(name: DomainName): Buffer {
  return createHash("sha256").update(name).digest().subarray(0, LABEL_OCTETS);
}
