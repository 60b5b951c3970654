import { type Field, makeField } from "./field.ts";
import { trimBlanks } from "../../policy/trim-blanks.ts";
import { isFieldValue, isToken } from "./octets.ts";
import { refuse, type Refusal } from "./refusal.ts";

/** A head of HTTP/1.1, read strictly (RFC 9112 sections 2.2 and 5). */
export interface Head {
  readonly kind: "head";
  readonly startLine: string;
  readonly fields: readonly Field[];
}

/** Including the last two line ends. */
export const MAX_HEAD_OCTETS = 64 * 1024;
const MAX_FIELDS = 256;

/**
 * Reads the lines of a head: `text` is latin1 and ends with the line end of its last line, without the empty
 * line. Lines end with CR LF and nothing else, and none is folded. A name is a token that ends at its colon.
 * It refuses whatever servers read in two ways.
 */
export function readHead(text: string): Head | Refusal {
  const lineEnd = text.indexOf("\r\n");
  if (lineEnd <= 0) return refuse(400, "the message does not begin with a start line");
  const startLine = text.slice(0, lineEnd);
  if (!isFieldValue(startLine)) return refuse(400, "a control character in the start line");
  const fields = readFields(text, lineEnd + 2);
  return "kind" in fields ? fields : { kind: "head", startLine, fields };
}

/** The fields from `start` to the end of the text: of a head, or of trailers. */
export function readFields(text: string, start: number): readonly Field[] | Refusal {
  const fields: Field[] = [];
  for (let at = start; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return refuse(400, "a header line without its end");
    const field = readField(text.slice(at, end));
    if ("kind" in field) return field;
    if (fields.push(field) > MAX_FIELDS) return refuse(431, `more than ${MAX_FIELDS} header fields`);
    at = end + 2;
  }
  return fields;
}

function readField(line: string): Field | Refusal {
  const colon = line.indexOf(":");
  if (line.startsWith(" ") || line.startsWith("\t")) return refuse(400, "a folded header line");
  if (colon <= 0) return refuse(400, "a header line without a name");
  const name = line.slice(0, colon);
  if (!isToken(name)) return refuse(400, "a header name that is no token");
  const value = trimBlanks(line, colon + 1);
  return isFieldValue(value) ? makeField(name, value) : refuse(400, "a control character in a header value");
}
