/** Escapes of octets: percent-encoding and quoted-printable. */
import { CR, LF } from "../../relay/gate/octets.ts";
import { code, digitOf, isDigit, NO_DIGIT, readHex } from "./characters.ts";
import { type EscapeFamily, type EscapeReader, MORE, NONE, type Progress, WHOLE } from "./family.ts";

/** `%XX`, of URLs and forms. */
export const PERCENT: EscapeFamily = {
  first: code("%"),
  mayFollow: (next, second) => isDigit(next) && isDigit(second),
  readWhole: readOctet,
  open: () => openOctetReader(false),
};

/** `=XX`, and `=` before the end of a line, which stands for nothing (RFC 2045 section 6.7). */
export const QUOTED_PRINTABLE: EscapeFamily = {
  first: code("="),
  mayFollow: (next, second) =>
    next === LF || (next === CR ? second === undefined || second === LF : isDigit(next) && isDigit(second)),
  readWhole: readOctet,
  open: () => openOctetReader(true),
};

function readOctet(octets: Uint8Array, at: number, to: EscapeReader): number {
  const value = readHex(octets, at + 1, at + 3);
  if (value < 0) return 0;
  to.decoded[0] = value;
  to.count = 1;
  return 3;
}

/** Two digits that are an octet, or the end of a line. */
function openOctetReader(hasSoftBreaks: boolean): EscapeReader {
  let high = NO_DIGIT;
  let isBreak = false;
  const reader: EscapeReader = {
    decoded: new Uint8Array(1),
    count: 0,
    begin() {
      high = NO_DIGIT;
      isBreak = false;
      reader.count = 0;
    },
    read(octet) {
      const digit = digitOf(octet);
      if (digit === NO_DIGIT || isBreak) return readBreak(octet);
      if (high === NO_DIGIT) {
        high = digit;
        return MORE;
      }
      reader.decoded[0] = high * 16 + digit;
      reader.count = 1;
      return WHOLE;
    },
  };
  function readBreak(octet: number): Progress {
    if (!hasSoftBreaks || high !== NO_DIGIT) return NONE;
    if (octet === LF) return WHOLE;
    if (octet !== CR || isBreak) return NONE;
    isBreak = true;
    return MORE;
  }
  return reader;
}
