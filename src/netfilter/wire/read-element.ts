import { readAttributes } from "./netlink-reader.ts";
import { ELEM, ELEM_LIST, LIST_ELEM } from "./set-element.ts";

/** An element as the kernel holds it now. */
export interface HeldElement {
  readonly key: Buffer;
  readonly timeoutMs: number;
  /** Time left. */
  readonly expiresInMs: number;
  readonly comment: string;
}

const NFGENMSG = 4;
const COMMENT = 0;

/** The elements of one NFT_MSG_NEWSETELEM payload; their octets are copies. */
export function readElements(payload: Buffer): HeldElement[] {
  const found: HeldElement[] = [];
  for (const list of readAttributes(payload, NFGENMSG)) {
    if (list.type !== ELEM_LIST.elements) continue;
    for (const item of readAttributes(list.value)) {
      const element = item.type === LIST_ELEM ? readElement(item.value) : undefined;
      if (element) found.push(element);
    }
  }
  return found;
}

function readElement(octets: Buffer): HeldElement | undefined {
  let key: Buffer | undefined;
  let timeoutMs = 0;
  let expiresInMs = 0;
  let comment = "";
  for (const { type, value } of readAttributes(octets)) {
    if (type === ELEM.key) for (const data of readAttributes(value)) key = Buffer.from(data.value);
    else if (type === ELEM.timeout && value.length === 8) timeoutMs = Number(value.readBigUInt64BE());
    else if (type === ELEM.expiration && value.length === 8) expiresInMs = Number(value.readBigUInt64BE());
    else if (type === ELEM.userdata) comment = readComment(value);
  }
  return key && { key, timeoutMs, expiresInMs, comment };
}

/** User data is a list of type:1 length:1 value. */
function readComment(userdata: Buffer): string {
  let at = 0;
  while (at + 2 <= userdata.length) {
    const length = userdata[at + 1] ?? 0;
    if (userdata[at] === COMMENT)
      return userdata.toString("latin1", at + 2, at + 2 + length).replace(/\0.*$/s, "");
    at += 2 + length;
  }
  return "";
}
