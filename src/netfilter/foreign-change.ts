/** What somebody else did to our tables, gathered from the kernel's events, a transaction at a time. */
import { DOOR_TABLE, OUR_TABLES } from "./kernel-names.ts";
import type { ObjectEvent, TransactionEvent } from "./wire/ruleset-event.ts";

export interface ForeignChange {
  /** For people: `inet opensandbox: rule added in chain egress (3 times)`. */
  readonly found: readonly string[];
  /**
   * Programs that did it: `nft (process 4711)`, numbered as on the machine. Empty where that is not known.
   */
  readonly by: readonly string[];
}

/** Different things that a report lists; it says of more only that there are more. */
const LISTED = 20;
/** Different things that are remembered within a transaction. */
const REMEMBERED = 1000;

export interface ForeignChanges {
  add(event: ObjectEvent): void;
  /** What the transaction did to our tables; undefined if it did nothing to them. */
  end(transaction: TransactionEvent): ForeignChange | undefined;
}

export function createForeignChanges(): ForeignChanges {
  const counts = new Map<string, number>();
  return {
    add({ family, table, kind, done, name }) {
      if (!WATCHED.some((ours) => ours.family === family && ours.name === table)) return;
      // What a table holds goes with the table, and a rule's own sets with the rule.
      if (name.startsWith("__")) return;
      const place = `${family} ${table}: `;
      if (kind === "table" && done === "deleted") {
        for (const text of counts.keys()) if (text.startsWith(place)) counts.delete(text);
      }
      const text = `${place}${kind} ${done}${PLACES[kind] ?? ""}${name === "" ? "" : ` ${name}`}`;
      if (counts.size < REMEMBERED) counts.set(text, (counts.get(text) ?? 0) + 1);
    },
    end({ process, processName }) {
      if (counts.size === 0) return undefined;
      const found = Array.from(counts, ([text, count]) => (count === 1 ? text : `${text} (${count} times)`));
      counts.clear();
      return { found: listFew(found), by: [`${processName} (process ${process})`] };
    },
  };
}

const WATCHED = [...OUR_TABLES, { family: "netdev", name: DOOR_TABLE }];
const PLACES: Readonly<Record<string, string>> = { rule: " in chain", element: " in set" };

/** Both at once, each text once. */
export function joinChanges(one: ForeignChange | undefined, other: ForeignChange): ForeignChange {
  const { found, by } = one ?? { found: [], by: [] };
  return { found: listFew([...found, ...other.found]), by: listFew([...by, ...other.by]) };
}

function listFew(texts: readonly string[]): readonly string[] {
  const once = [...new Set(texts)];
  return once.length <= LISTED ? once : [...once.slice(0, LISTED), "more"];
}
