/**
 * How many of the connections to an upstream each group may have in use. A group begins with {@link
 * FIRST_PLACES} and gets some more for each answer, up to as many as are still free, so that the largest
 * leaves half. Names whose answers never come hold no more than the first: fewer than an upstream has, too
 * (dnsmasq serves 20 connections at once).
 */
const MAX_PLACES = 128;
const FIRST_PLACES = 16;
const PLACES_PER_ANSWER = 3;

export interface GroupPlaces {
  /** Whether the group may have one more while so many are in use by all. */
  mayTake(group: number, inUse: number): boolean;
  take(group: number): void;
  release(group: number): void;
  /** A question of the group has been answered. */
  earn(group: number): void;
  /** A question of the group has run out of time: it begins anew. */
  lose(group: number): void;
}

export function createGroupPlaces(): GroupPlaces {
  const used = new Map<number, number>();
  const earned = new Map<number, number>();
  const usedBy = (group: number): number => used.get(group) ?? 0;
  const earnedBy = (group: number): number => earned.get(group) ?? FIRST_PLACES;
  return {
    mayTake: (group, inUse) => usedBy(group) < Math.min(earnedBy(group), MAX_PLACES - inUse),
    take: (group) => void used.set(group, usedBy(group) + 1),
    release(group) {
      if (usedBy(group) > 1) {
        used.set(group, usedBy(group) - 1);
        return;
      }
      used.delete(group);
      earned.delete(group);
    },
    earn: (group) => void earned.set(group, Math.min(earnedBy(group) + PLACES_PER_ANSWER, MAX_PLACES)),
    lose: (group) => void earned.set(group, FIRST_PLACES),
  };
}
