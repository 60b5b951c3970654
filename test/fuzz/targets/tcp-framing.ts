import { createFrameReader } from "../../../src/dns/io/tcp-framing.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const MAX_MESSAGE = 600;

/** A stream of messages, cut anywhere: what comes out is what a plain reading of the whole stream gives. */
export const tcpFraming: Target = {
  name: "tcp-framing",
  seeds: "tcp-framing",
  make(random) {
    const messages = Array.from({ length: random.below(6) }, () => {
      const message = random.octets(random.below(80));
      return Buffer.concat([Buffer.of(message.length >> 8, message.length), message]);
    });
    return Buffer.concat(messages);
  },
  open: async () => plainChecker(check),
};

function check(input: Buffer, random: Random): string {
  const read: string[] = [];
  const reader = createFrameReader(
    (octets, start, end) => void read.push(octets.toString("hex", start, end)),
    MAX_MESSAGE,
  );
  let isOpen = true;
  for (let at = 0; at < input.length;) {
    const end = at + 1 + random.below(random.once(3) ? 3 : 200);
    isOpen = reader.push(Buffer.from(input.subarray(at, end)));
    at = end;
  }
  const plain = readPlainly(input);
  if (JSON.stringify(read) !== JSON.stringify(plain.messages))
    throw new Error(`gave ${JSON.stringify(read)}`);
  if (isOpen === plain.isTooLong) throw new Error(`stays open: ${isOpen}`);
  if (isOpen && reader.isInside() !== plain.isInside)
    throw new Error(`is inside a message: ${String(reader.isInside())}`);
  return plain.isTooLong ? "too long" : plain.isInside ? "unfinished" : "whole";
}

function readPlainly(stream: Buffer): { messages: string[]; isTooLong: boolean; isInside: boolean } {
  const messages: string[] = [];
  let at = 0;
  while (at + 2 <= stream.length) {
    const length = stream.readUInt16BE(at);
    if (length > MAX_MESSAGE) return { messages, isTooLong: true, isInside: false };
    if (at + 2 + length > stream.length) return { messages, isTooLong: false, isInside: true };
    messages.push(stream.toString("hex", at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { messages, isTooLong: false, isInside: at < stream.length };
}
