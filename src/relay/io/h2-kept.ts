/**
 * What may be kept for a session of HTTP/2. Node does not tell it all, so it is reckoned: full windows, and a
 * sum for each stream, with its header lists, and for each connection to an origin of HTTP/1.1.
 */
import type { Field } from "../gate/field.ts";
import { tellInSteps } from "./kept-octets.ts";

export interface H2Kept {
  /** A stream is opened, with such names and values. */
  open(headers: readonly string[]): KeptStream;
  /** So many connections to the origin there are. */
  count(lines: number): void;
}

/** It counts as long as somebody holds it. */
export interface KeptStream {
  /** Returns what is to be called once, when what the caller has of it is freed. */
  hold(): () => void;
  /** Another header list has come, of so many octets. */
  add(octets: number): void;
}

/** The smallest of both sides; what larger ones have beside is bounded by `session-rooms.ts`. */
const WINDOWS_OCTETS = 128 << 10;
/** Measured: a stream to each side; and a header list as it came, as it was read, and as it goes out. */
const STREAM_OCTETS = 16 << 10;
const LIST_COPIES = 3;
/** TLS of one side, and what may wait in it. */
const LINE_OCTETS = 128 << 10;

export function createH2Kept(keeps: ((octets: number) => void) | undefined): H2Kept {
  const tell = tellInSteps(keeps);
  let streams = 0;
  let lines = 0;
  const tellAll = (): void => tell(WINDOWS_OCTETS + streams + lines * LINE_OCTETS);
  tellAll();
  return {
    open(headers) {
      let octets = STREAM_OCTETS;
      let holders = 0;
      const stream: KeptStream = {
        hold() {
          holders += 1;
          return () => {
            holders -= 1;
            if (holders > 0) return;
            streams -= octets;
            octets = 0;
            tellAll();
          };
        },
        add(more) {
          if (octets === 0) return;
          octets += LIST_COPIES * more;
          streams += LIST_COPIES * more;
          tellAll();
        },
      };
      streams += octets;
      stream.add(listOctets(headers));
      return stream;
    },
    count(all) {
      lines = all;
      tellAll();
    },
  };
}

/** Of names and values in turn. */
export function listOctets(headers: readonly string[]): number {
  return headers.reduce((sum, { length }) => sum + length, 0);
}

export function fieldOctets(fields: readonly Field[]): number {
  return fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
}
