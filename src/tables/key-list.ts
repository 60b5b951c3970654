/**
 * Addresses one after the other in octets that are used again: as long as the longest list that there was.
 */
export interface KeyList {
  /** `key`: 4 octets or 16, copied. */
  add(key: Uint8Array): void;
  /** Gives each in its turn, valid during the call. */
  forEach(take: (key: Uint8Array) => void): void;
  clear(): void;
}

const FIRST_OCTETS = 4096;

export function createKeyList(): KeyList {
  /** Each behind an octet that says its length. */
  let octets = new Uint8Array(FIRST_OCTETS);
  let end = 0;

  function makeRoom(count: number): void {
    if (end + count <= octets.length) return;
    const larger = new Uint8Array(2 * octets.length);
    larger.set(octets);
    octets = larger;
  }

  return {
    add(key) {
      makeRoom(1 + key.length);
      octets[end++] = key.length;
      for (const octet of key) octets[end++] = octet;
    },
    forEach(take) {
      for (let at = 0; at < end;) {
        const next = at + 1 + (octets[at] ?? 0);
        take(octets.subarray(at + 1, next));
        at = next;
      }
    },
    clear() {
      end = 0;
    },
  };
}
