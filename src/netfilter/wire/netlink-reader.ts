/** Reads what the kernel answers on a netlink socket. Random octets never throw: a reader stops where the lengths stop making sense. */
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER = 16;
const ATTRIBUTE = 4;
const TYPE_MASK = 0x3fff;

export type NetlinkReply =
  | { readonly kind: "error"; readonly sequence: number; readonly errno: number }
  | { readonly kind: "done" }
  | { readonly kind: "message"; readonly type: number; readonly payload: Buffer };

/** The messages of one datagram. An `error` with errno 0 is an acknowledgement. */
export function* readReplies(datagram: Buffer): Generator<NetlinkReply> {
  let at = 0;
  while (at + HEADER <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER || at + length > datagram.length) return;
    const type = datagram.readUInt16LE(at + 4);
    const sequence = datagram.readUInt32LE(at + 8);
    if (type === NLMSG_ERROR) {
      if (length < HEADER + 4) return;
      yield { kind: "error", sequence, errno: -datagram.readInt32LE(at + HEADER) };
    } else if (type === NLMSG_DONE) {
      yield { kind: "done" };
    } else {
      yield { kind: "message", type, payload: datagram.subarray(at + HEADER, at + length) };
    }
    at += (length + 3) & ~3;
  }
}

/** The attributes in `payload` from `at` on: type (without the nested and byte-order bits) and value. */
export function* readAttributes(payload: Buffer, at = 0): Generator<{ type: number; value: Buffer }> {
  while (at + ATTRIBUTE <= payload.length) {
    const length = payload.readUInt16LE(at);
    if (length < ATTRIBUTE || at + length > payload.length) return;
    yield {
      type: payload.readUInt16LE(at + 2) & TYPE_MASK,
      value: payload.subarray(at + ATTRIBUTE, at + length),
    };
    at += (length + 3) & ~3;
  }
}
