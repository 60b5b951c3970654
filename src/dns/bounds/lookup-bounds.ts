/**
 * How much may be said to the owners of allowed names by looking names up: `<data>.allowed.example` reaches
 * the name servers of `allowed.example`. Names can't be told from data, so what goes upstream is
 * bounded, each minute for each *parent*:
 *
 *     a wildcard decided      its base            names and lookups
 *     the default decided     the last two labels names and lookups; two, for with three the data would
 * choose its own parent
 *     a name rule decided     that name           lookups of types other than A and AAAA: nothing else of a
 * fixed name carries much
 *
 * Answers from the cache never come here. A minute begins with the first lookup after the last one has ended,
 * so any sixty seconds see twice the bound at most. Parents are known by their text: a change of the policy
 * begins no new minute.
 *
 * Memory is fixed. A parent for which there is no room in its minute shares one count with all others like
 * it.
 */
import type { Decision } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import { lastTwoLabels } from "./lookup-groups.ts";
import { createNamesSeen } from "./names-seen.ts";
import { createSlotIndex, hashText, NO_SLOT } from "../../tables/slot-index.ts";
import { RrType } from "../wire/constants.ts";

export interface BoundSettings {
  /** Distinct names and lookups in all that go upstream, a minute and parent; 0 is no bound. */
  readonly namesPerMinute: number;
  readonly lookupsPerMinute: number;
}

/** A bound that was met. */
export interface BoundMet {
  readonly bound: "names" | "lookups";
  readonly perMinute: number;
  /** The name that is counted below; `undefined` for those that share one count. */
  readonly parent: string | undefined;
  /** What allowed the lookup that was refused first. */
  readonly decision: Decision;
}

export interface LookupBounds {
  /**
   * Whether the lookup may be sent upstream; if so it is counted. It calls `onMet` once a minute and parent.
   */
  admits(decision: Decision, qname: DomainName, qtype: number, nowMs: number): boolean;
}

export interface BoundOptions extends BoundSettings {
  readonly onMet: (met: BoundMet) => void;
  readonly seed: number;
  /** Parents that have a count of their own, and names remembered for all of them. */
  readonly parents: number;
  readonly names: number;
}

const MINUTE_MS = 60_000;
/** The count of all parents for which there is no room. */
const SHARED = NO_SLOT;

export function createLookupBounds(options: BoundOptions): LookupBounds {
  const { namesPerMinute, lookupsPerMinute, seed, parents } = options;
  const seen = createNamesSeen(options.names, MINUTE_MS, seed);
  const index = createSlotIndex(parents);
  const texts: (string | undefined)[] = [];
  const beganMs = new Float64Array(parents + 1).fill(-Infinity);
  const windows = new Uint32Array(parents + 1);
  const names = new Uint32Array(parents + 1);
  const lookups = new Uint32Array(parents + 1);
  const told = new Uint8Array(parents + 1);
  let latestMs = -Infinity;
  let lastWindow = 0;

  function begin(slot: number, nowMs: number): void {
    beganMs[slot] = nowMs;
    windows[slot] = ++lastWindow;
    names[slot] = 0;
    lookups[slot] = 0;
    told[slot] = 0;
  }

  const isOver = (slot: number, nowMs: number): boolean => nowMs - (beganMs[slot] ?? 0) >= MINUTE_MS;

  /** A clock that is set back makes minutes longer, never new ones. */
  function keepTime(nowMs: number): void {
    if (nowMs < latestMs) {
      for (let slot = 0; slot <= parents; slot++) beganMs[slot] = Math.min(beganMs[slot] ?? 0, nowMs);
      seen.clear();
    }
    latestMs = nowMs;
  }

  function find(name: string, from: number, hash: number): number {
    let slot = index.first(hash);
    while (slot !== NO_SLOT && !isTail(name, from, texts[slot])) slot = index.next(slot);
    return slot;
  }

  /**
   * The slot of the parent `name.slice(from)`, in the minute of now; minutes stand in the order in which they
   * began.
   */
  function slotOf(name: string, from: number, nowMs: number): number {
    const hash = hashText(name, seed, from);
    const known = find(name, from, hash);
    if (known !== NO_SLOT && !isOver(known, nowMs)) return known;
    if (known !== NO_SLOT) index.remove(known);
    else if (index.size() === parents && isOver(index.oldest(), nowMs)) index.remove(index.oldest());
    const slot = index.add(hash);
    if (slot !== NO_SLOT) texts[slot] = name.slice(from);
    if (slot !== SHARED || isOver(SHARED, nowMs)) begin(slot, nowMs);
    return slot;
  }

  function refuse(slot: number, bound: BoundMet["bound"], decision: Decision): false {
    if (told[slot] === 1) return false;
    told[slot] = 1;
    const perMinute = bound === "names" ? namesPerMinute : lookupsPerMinute;
    options.onMet({ bound, perMinute, parent: texts[slot], decision });
    return false;
  }

  function count(slot: number, qname: DomainName, decision: Decision, nowMs: number): boolean {
    const window = windows[slot] ?? 0;
    if (lookupsPerMinute > 0 && (lookups[slot] ?? 0) >= lookupsPerMinute) {
      return refuse(slot, "lookups", decision);
    }
    if (namesPerMinute > 0 && !seen.has(qname, window)) {
      if ((names[slot] ?? 0) >= namesPerMinute) return refuse(slot, "names", decision);
      seen.note(qname, window, nowMs);
      names[slot] = (names[slot] ?? 0) + 1;
    }
    lookups[slot] = (lookups[slot] ?? 0) + 1;
    return true;
  }

  return {
    admits(decision, qname, qtype, nowMs) {
      if (namesPerMinute === 0 && lookupsPerMinute === 0) return true;
      const spoken = decision.rule?.target;
      // A rule for every destination names none of them, like the default action.
      const target = spoken?.kind === "everywhere" ? undefined : spoken;
      if (target?.kind === "name" && (qtype === RrType.a || qtype === RrType.aaaa)) return true;
      keepTime(nowMs);
      const slot =
        target?.kind === "wildcard"
          ? slotOf(target.base, 0, nowMs)
          : slotOf(qname, target === undefined ? lastTwoLabels(qname) : 0, nowMs);
      return count(slot, qname, decision, nowMs);
    },
  };
}

/** Whether `name.slice(from)` is the text. */
function isTail(name: string, from: number, text: string | undefined): boolean {
  return text !== undefined && name.length - from === text.length && name.endsWith(text);
}
