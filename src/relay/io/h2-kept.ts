/**
 * What may be kept for a session of HTTP/2. Node does not tell it all, so it is reckoned: full windows, and a
 * sum for each stream, with its header list, and for each connection to an origin of HTTP/1.1.
 */
import { tellInSteps } from "./kept-octets.ts";

export interface H2Kept {
  /** A stream is opened, with such names and values. Returns what is to be called once it is closed. */
  open(headers: readonly string[]): () => void;
  /** So many connections to the origin there are. */
  count(lines: number): void;
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
      const octets = STREAM_OCTETS + LIST_COPIES * headers.reduce((sum, { length }) => sum + length, 0);
      streams += octets;
      tellAll();
      return () => {
        streams -= octets;
        tellAll();
      };
    },
    count(all) {
      lines = all;
      tellAll();
    },
  };
}
