/**
 * What a server answers to a request for another protocol, as far as it matters: whether it agrees.
 *
 *     status-line   "HTTP/1.1" SP status:3 SP reason CRLF      RFC 9112 section 4
 *     101           it speaks the other protocol behind this head; RFC 9110 section 15.2.2
 *     other 1xx     a head without a body, and the answer follows; section 15.2
 */

/** `declines`: it goes on in HTTP. */
export type SwitchAnswer = "incomplete" | "switches" | "declines";

/** With the answers ahead of it. A server that says more than this first is not waited for. */
export const MAX_SWITCH_ANSWER = 16_384;

const STATUS_LINE = /^HTTP\/1\.1 1\d\d[ \r]/;
const SWITCHING = "101";
const [STATUS_AT, STATUS_OCTETS] = [9, 13];
const LIKE_STATUS_LINE = "HTTP/1.1 100 ";
const HEAD_END = "\r\n\r\n";
/** A line's end that some read and others do not. */
const ODD_END = /\r(?!\n)|(?<!\r)\n/;

/** Reads all that a server has sent since the request began. */
export function readSwitchAnswer(answer: Buffer): SwitchAnswer {
  const text = answer.toString("latin1");
  for (let at = 0; ;) {
    const line = text.slice(at, at + STATUS_OCTETS);
    if (line.length < STATUS_OCTETS) return isBegun(line) ? "incomplete" : "declines";
    if (!STATUS_LINE.test(line)) return "declines";
    if (line.startsWith(SWITCHING, STATUS_AT)) return "switches";
    const end = text.indexOf(HEAD_END, at);
    if (end === -1) return "incomplete";
    if (ODD_END.test(text.slice(at, end))) return "declines";
    at = end + HEAD_END.length;
  }
}

/** Whether a status line of 1xx may become of it. */
function isBegun(line: string): boolean {
  return STATUS_LINE.test(line + LIKE_STATUS_LINE.slice(line.length));
}
