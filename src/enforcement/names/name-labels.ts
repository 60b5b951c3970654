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
/** Whose label is not computed again: that takes ten times as long as to look it up. */
const MAX_RECENT = 256;

export interface NameLabels {
  /** The label of a name, which is known from now on. */
  take(name: DomainName): Buffer;
  /** The name of a flow's label, where it is known; `owners` are names that own the flow's far end. */
  nameOf(label: Uint8Array, owners: readonly string[]): DomainName | undefined;
}

export function createNameLabels(maxNames = MAX_NAMES): NameLabels {
  /** By their labels; the one that was seen last, but for recent ones, comes last. */
  const names = new Map<string, DomainName>();
  const recent = new Map<DomainName, Buffer>();

  function see(name: DomainName): Buffer {
    const label = toLabel(name);
    const key = label.toString("latin1");
    names.delete(key);
    names.set(key, name);
    bound(names, maxNames);
    recent.set(name, label);
    bound(recent, Math.min(maxNames, MAX_RECENT));
    return label;
  }

  return {
    take: (name) => recent.get(name) ?? see(name),
    nameOf(label, owners) {
      const known = names.get(Buffer.from(label).toString("latin1"));
      if (known !== undefined) return known;
      return owners.find((owner): owner is DomainName => isDomainName(owner) && toLabel(owner).equals(label));
    },
  };
}

/** The oldest one goes where there is one too many. */
function bound<Key>(map: Map<Key, unknown>, most: number): void {
  const [oldest] = map.size > most ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}

function toLabel(name: DomainName): Buffer {
  return createHash("sha256").update(name).digest().subarray(0, LABEL_OCTETS);
}
