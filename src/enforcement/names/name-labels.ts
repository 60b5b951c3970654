/**
 * The name that a connection has shown, and what it speaks where rules ask for that, as a label that
 * conntrack keeps with its flow: it outlives this process, and costs no memory of ours.
 *
 * A label is a digest, since it has 16 octets. Whose it is is known of names that were seen since the start,
 * and of those that own the flow's address; the kernel keeps the latter across restarts.
 */
import { createHash } from "node:crypto";
import { LABEL_OCTETS } from "../../netfilter/wire/conntrack.ts";
import { isDomainName } from "../../policy/domain-name.ts";
import type { LabelledName } from "./denied-flows.ts";

/** Names of some megabytes. */
const MAX_NAMES = 16_384;
/** Whose label is not computed again: that takes ten times as long as to look it up. */
const MAX_RECENT = 256;

export interface NameLabels {
  /** The label of what a flow has shown, which is known from now on; undefined if that is nothing. */
  take(shown: LabelledName): Buffer | undefined;
  /** What a flow's label says, if that is known; `owners` are names that own the flow's far end. */
  shownBy(label: Uint8Array, owners: readonly string[]): LabelledName | undefined;
}

export function createNameLabels(maxNames = MAX_NAMES): NameLabels {
  /** By their labels; the one that was seen last, but for recent ones, comes last. */
  const known = new Map<string, LabelledName>();
  /** By what stands in labels. */
  const recent = new Map<string, Buffer>();

  function see(shown: LabelledName, text: string): Buffer {
    const label = toLabel(text);
    const key = label.toString("latin1");
    known.delete(key);
    known.set(key, shown);
    bound(known, maxNames);
    recent.set(text, label);
    bound(recent, Math.min(maxNames, MAX_RECENT));
    return label;
  }

  return {
    take({ name, app }) {
      if (name === undefined && !NAMELESS.some((one) => one.app === app)) return undefined;
      const text = textOf({ name, app });
      return recent.get(text) ?? see({ name, app }, text);
    },
    shownBy(label, owners) {
      const found = known.get(Buffer.from(label).toString("latin1"));
      if (found !== undefined) return found;
      const possible = [
        ...NAMELESS,
        ...owners.filter(isDomainName).flatMap((name) => NAMING.map((app) => ({ name, app }))),
      ];
      return possible.find((shown) => toLabel(textOf(shown)).equals(label));
    },
  };
}

/** The oldest one goes where there is one too many. */
function bound<Key>(map: Map<Key, unknown>, most: number): void {
  const [oldest] = map.size > most ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}

/** What shows no name: known by what it speaks, or not read as nobody has asked. */
const NAMELESS: readonly LabelledName[] = [
  { name: undefined, app: undefined },
  { name: undefined, app: "ssh" },
  { name: undefined, app: "postgres" },
];
/** By what a name may have been shown; undefined: nobody has asked. */
const NAMING: readonly LabelledName["app"][] = [undefined, "tls", "http", "postgres"];

/** No name has a blank in it. */
function textOf({ name, app }: LabelledName): string {
  if (app === undefined) return name ?? "";
  return `${app} ${name ?? ""}`;
}

function toLabel(text: string): Buffer {
  return createHash("sha256").update(text).digest().subarray(0, LABEL_OCTETS);
}
