/** Messages on a stream: a two-octet length before each (RFC 1035 section 4.2.2), cut anywhere by the network. */

export interface FrameReader {
  /** Takes what has arrived. Returns false once a message longer than allowed was announced: nothing is read any more. */
  push(chunk: Buffer): boolean;
  /** Whether a message has begun and is not whole yet. */
  readonly isInside: boolean;
}

/** Calls `onMessage` for each whole message; the buffer is the callee's. Each octet is copied once, however it drips in. */
export function createFrameReader(onMessage: (message: Buffer) => void, maxOctets = 65_535): FrameReader {
  let lengthOctets = 0;
  let length = 0;
  let message: Buffer | undefined;
  let filled = 0;

  function readLength(octet: number): boolean {
    length = (length << 8) | octet;
    lengthOctets += 1;
    if (lengthOctets < 2) return true;
    message = Buffer.allocUnsafeSlow(Math.min(length, maxOctets));
    filled = 0;
    return length <= maxOctets;
  }

  function complete(whole: Buffer): void {
    message = undefined;
    lengthOctets = 0;
    length = 0;
    onMessage(whole);
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length;) {
        if (length > maxOctets) return false;
        if (message === undefined) {
          if (!readLength(chunk[at++] ?? 0)) return false;
        } else {
          const copied = chunk.copy(message, filled, at);
          filled += copied;
          at += copied;
        }
        if (message !== undefined && filled === length) complete(message);
      }
      return true;
    },
    get isInside() {
      return lengthOctets > 0;
    },
  };
}

/** The message with its length before it. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length);
  framed.set(message, 2);
  return framed;
}
