/**
 * Messages on a stream: a two-octet length before each (RFC 1035 section 4.2.2), cut anywhere by the network.
 */

export interface FrameReader {
  /**
   * Takes what has arrived. Returns false once a message longer than allowed was announced: nothing is read
   * any more.
   */
  push(chunk: Buffer): boolean;
  /** Whether a message has begun and is not whole yet. */
  isInside(): boolean;
}

/** A whole message in `octets[start, end)`, valid during the call. */
export type OnMessage = (octets: Buffer, start: number, end: number) => void;

/**
 * Calls `onMessage` for each whole message. Those that one chunk holds whole are not copied, others once,
 * however they drip in.
 */
export function createFrameReader(onMessage: OnMessage, maxOctets = 65_535): FrameReader {
  let lengthOctets = 0;
  let length = 0;
  let message: Buffer | undefined;
  let filled = 0;

  /** Hands over what the chunk holds whole from here on, and returns where the rest begins. */
  function readWhole(chunk: Buffer, from: number): number {
    let at = from;
    while (at + 2 <= chunk.length) {
      const end = at + 2 + chunk.readUInt16BE(at);
      if (end - at - 2 > maxOctets || end > chunk.length) break;
      onMessage(chunk, at + 2, end);
      at = end;
    }
    return at;
  }

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
    onMessage(whole, 0, whole.length);
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length;) {
        if (length > maxOctets) return false;
        if (lengthOctets === 0) at = readWhole(chunk, at);
        if (message === undefined) {
          if (at < chunk.length && !readLength(chunk[at++] ?? 0)) return false;
        } else {
          const copied = chunk.copy(message, filled, at);
          filled += copied;
          at += copied;
        }
        if (message !== undefined && filled === length) complete(message);
      }
      return true;
    },
    isInside() {
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
