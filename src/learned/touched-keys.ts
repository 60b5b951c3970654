import { createKeyList, type KeyList } from "../tables/key-list.ts";

/** Addresses that the next commit speaks of. */
export interface TouchedKeys {
  add(key: Uint8Array): void;
  /**
   * Those that were added; what is added from now on is for the commit after. To be cleared before the next
   * `take`.
   */
  take(): KeyList;
}

export function createTouchedKeys(): TouchedKeys {
  let touched = createKeyList();
  /** Used in turn, so that a commit leaves none behind. */
  let former = createKeyList();
  return {
    add(key) {
      touched.add(key);
    },
    take() {
      const keys = touched;
      touched = former;
      former = keys;
      return keys;
    },
  };
}
