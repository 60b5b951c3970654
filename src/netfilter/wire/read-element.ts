import { NFGENMSG } from "./constants.ts";
import type { HeldElement } from "../learned-set.ts";
import { attributeLength, attributeType, behindAttribute, valueAt } from "../../netlink/reader.ts";
import { ELEM, ELEM_LIST, LIST_ELEM } from "./set-element.ts";

const COMMENT = 0;

/** The last value of each field, if the set has several fields and intervals. */
export interface RawElement extends HeldElement {
  readonly keyEnd?: Buffer | undefined;
}

/**
 * The elements of one NFT_MSG_NEWSETELEM payload; their octets are copies. They are read in place, as there
 * may be a hundred thousand.
 */
export function readElements(payload: Buffer): RawElement[] {
  const found: RawElement[] = [];
  forEachAttribute(payload, NFGENMSG, payload.length, (list, at, end) => {
    if (list !== ELEM_LIST.elements) return;
    forEachAttribute(payload, at, end, (item, from, to) => {
      const element = item === LIST_ELEM ? readElement(payload, from, to) : undefined;
      if (element) found.push(element);
    });
  });
  return found;
}

function forEachAttribute(
  octets: Buffer,
  start: number,
  end: number,
  take: (type: number, from: number, to: number) => void,
): void {
  let at = start;
  for (let length = attributeLength(octets, at, end); length > 0; length = attributeLength(octets, at, end)) {
    take(attributeType(octets, at), valueAt(at), at + length);
    at = behindAttribute(at, length);
  }
}

function readElement(octets: Buffer, start: number, end: number): RawElement | undefined {
  let key: Buffer | undefined;
  let keyEnd: Buffer | undefined;
  let timeoutMs = 0;
  let expiresInMs = 0;
  let comment = "";
  let at = start;
  for (let length = attributeLength(octets, at, end); length > 0; length = attributeLength(octets, at, end)) {
    const type = attributeType(octets, at);
    const [from, to] = [valueAt(at), at + length];
    if (type === ELEM.key) key = readKey(octets, from, to) ?? key;
    else if (type === ELEM.keyEnd) keyEnd = readKey(octets, from, to);
    else if (type === ELEM.timeout && to - from === 8) timeoutMs = readNumber64(octets, from);
    else if (type === ELEM.expiration && to - from === 8) expiresInMs = readNumber64(octets, from);
    else if (type === ELEM.userdata) comment = readComment(octets, from, to);
    at = behindAttribute(at, length);
  }
  if (key === undefined) return undefined;
  const element = { key, timeoutMs, expiresInMs, comment };
  return keyEnd === undefined ? element : { ...element, keyEnd };
}

/** The last of what is nested there. */
function readKey(octets: Buffer, start: number, end: number): Buffer | undefined {
  let key: Buffer | undefined;
  forEachAttribute(octets, start, end, (_type, from, to) => {
    key = Buffer.from(octets.subarray(from, to));
  });
  return key;
}

function readNumber64(octets: Buffer, at: number): number {
  return octets.readUInt32BE(at) * 0x1_0000_0000 + octets.readUInt32BE(at + 4);
}

/** User data is a list of type:1 length:1 value. A comment ends at its first zero. */
function readComment(octets: Buffer, start: number, end: number): string {
  for (let at = start; at + 2 <= end;) {
    const next = at + 2 + (octets[at + 1] ?? 0);
    if (octets[at] === COMMENT) {
      const zero = octets.indexOf(0, at + 2);
      return octets.toString("latin1", at + 2, Math.min(zero < 0 ? end : zero, next, end));
    }
    at = next;
  }
  return "";
}
