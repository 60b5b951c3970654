/**
 * What a client of TLS sends behind its hello before the server has accepted it. Records of early data and
 * such are counted. If the server asks for another hello (RFC 8446 section 4.1.2), that must show the same
 * name; so must one that nobody asked for.
 */
import type { DomainName } from "../policy/domain-name.ts";
import { readHandshake, RECORD_HEADER } from "./handshake-records.ts";
import { refused, type Refused } from "./shown.ts";

export interface RecordsRead {
  /** From the first octet of the given ones to the last one that had to be read, not only counted. */
  readonly readOctets: number;
}

export interface SecondHello {
  /** Takes the next octets of the client. After a refusal nobody may call it again. */
  read(octets: Buffer): RecordsRead | Refused;
  /** Whether a complete one has come. */
  isThere(): boolean;
  /** Octets that it keeps. */
  size(): number;
}

const [CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA] = [20, 21, 22, 23];
const COUNTED = new Set<number | undefined>([CHANGE_CIPHER_SPEC, ALERT, APPLICATION_DATA]);

export function createSecondHello(name: DomainName | undefined): SecondHello {
  /** Of a record's header or a hello that is not complete. */
  let kept = Buffer.alloc(0);
  /** Octets of a record that are left to count. */
  let left = 0;
  let isThere = false;

  /** Octets at the beginning that are done with; 0 if more are needed. */
  function takeRecord(rest: Buffer): number | Refused {
    if (rest[0] === HANDSHAKE) {
      const shown = readHandshake(rest, 0);
      if (shown.kind === "refused") return shown;
      if (shown.kind !== "tls") return 0;
      if (shown.name !== name) return refused("another name in a second ClientHello");
      isThere = true;
      return shown.end;
    }
    if (!COUNTED.has(rest[0])) return refused("anything but a TLS record behind a ClientHello");
    if (rest.length < RECORD_HEADER) return 0;
    left = rest.readUInt16BE(3);
    return RECORD_HEADER;
  }

  return {
    isThere: () => isThere,
    size: () => kept.length,
    read(octets) {
      const stream = kept.length === 0 ? octets : Buffer.concat([kept, octets]);
      const before = kept.length;
      let [at, readTo] = [0, 0];
      while (at < stream.length) {
        const counted = Math.min(left, stream.length - at);
        left -= counted;
        at += counted;
        if (counted > 0) continue;
        const taken = takeRecord(stream.subarray(at));
        if (typeof taken !== "number") return taken;
        readTo = taken === 0 ? stream.length : at + taken;
        if (taken === 0) break;
        at += taken;
      }
      kept = Buffer.from(stream.subarray(at));
      return { readOctets: Math.max(0, readTo - before) };
    },
  };
}
