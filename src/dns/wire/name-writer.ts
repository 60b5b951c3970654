/**
 * Writes names into a message and lets each end in a pointer to the longest end of it that stands there
 * already (RFC 1035 section 4.1.4). Letter case does not count, so an end takes the case of where it stood
 * first. No message of the same names is shorter.
 *
 * Ends of names are found by hash. The table has bounded room and a lookup looks at few places, so names that
 * were made to collide cost a longer message and no time.
 */
import { expandName, lowerCase, sameName } from "./compressed-name.ts";
import { HEADER_OCTETS } from "./constants.ts";
import { write16 } from "./query.ts";

const POINTER = 0xc000;
const MAX_LABELS = 128;
const PLACES = 8192;
const MAX_PROBES = 8;
const HASH_OF_ROOT = 0x811c_9dc5;

/** A name where it stands in another message. */
export interface NameSource {
  readonly octets: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface NameWriter {
  /** Begins a message in `out`, in which the question stands already. */
  begin(out: Buffer): void;
  /**
   * Writes the source's name at `from` to `at`, behind all that was written; returns the offset behind, -1
   * for a malformed name.
   */
  write(source: NameSource, from: number, at: number, mayPoint: boolean): number;
}

export function createNameWriter(): NameWriter {
  let out: Buffer = Buffer.alloc(0);
  /** Where ends of names stand in `out`, and their hashes; 0: nothing. */
  const places = new Uint16Array(PLACES);
  const hashes = new Uint32Array(PLACES);
  /** Of the name at hand: where its labels begin, and the hash of the end that begins there. */
  const labelAt = new Uint16Array(MAX_LABELS);
  const endHash = new Uint32Array(MAX_LABELS);

  /** Takes the uncompressed name at `at` to hand; returns how many labels it has. */
  function readLabels(at: number): number {
    let count = 0;
    for (let label = at; (out[label] ?? 0) !== 0; label += 1 + (out[label] ?? 0)) labelAt[count++] = label;
    let hash = HASH_OF_ROOT;
    for (let i = count - 1; i >= 0; i--) {
      const label = labelAt[i] ?? 0;
      const labelEnd = label + (out[label] ?? 0);
      for (let octet = label; octet <= labelEnd; octet++) {
        hash = Math.imul(hash ^ lowerCase(out[octet] ?? 0), 0x0100_0193);
      }
      endHash[i] = hash;
    }
    return count;
  }

  /** Where the end of the name at hand that begins with its label `i` stands already; 0 for nowhere. */
  function find(i: number, nameEnd: number): number {
    const hash = endHash[i] ?? 0;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const place = placeOf(hash, probe);
      const found = places[place] ?? 0;
      if (found === 0) return 0;
      if (hashes[place] === hash && sameName(out, 0, found, labelAt[i] ?? 0, nameEnd)) return found;
    }
    return 0;
  }

  /**
   * Remembers the ends that begin with the first `count` labels of the name at hand; a pointer has 14 bits.
   */
  function remember(count: number): void {
    for (let i = 0; i < count; i++) {
      const label = labelAt[i] ?? 0;
      if (label >= 0x4000) return;
      const hash = endHash[i] ?? 0;
      for (let probe = 0; probe < MAX_PROBES; probe++) {
        const place = placeOf(hash, probe);
        if (places[place] !== 0) continue;
        places[place] = label;
        hashes[place] = hash;
        break;
      }
    }
  }

  return {
    begin(message) {
      out = message;
      places.fill(0);
      remember(readLabels(HEADER_OCTETS));
    },
    write({ octets, start, end }, from, at, mayPoint) {
      const nameEnd = expandName(octets, start, from, end, { octets: out, at });
      if (nameEnd < 0 || nameEnd > out.length) return -1;
      const count = readLabels(at);
      const ends = mayPoint ? count : 0;
      for (let i = 0; i < ends; i++) {
        const found = find(i, nameEnd);
        if (found === 0) continue;
        const label = labelAt[i] ?? 0;
        write16(out, label, POINTER | found);
        remember(i);
        return label + 2;
      }
      remember(count);
      return nameEnd;
    },
  };
}

function placeOf(hash: number, probe: number): number {
  return (hash + (hash >>> 15) + probe) & (PLACES - 1);
}
