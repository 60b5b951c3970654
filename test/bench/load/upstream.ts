/**
 * The upstream of all benches, a program of its own: answers A and AAAA questions for numbered names (see
 * `numbered-names.ts`) as fast as datagrams can be moved, and knows nothing else. Not a name server: every
 * name exists, every TTL is the same.
 *
 *     node upstream.ts ADDRESS PORT
 */
import { createArena } from "../../../src/sys/arena.ts";
import { BATCH } from "../../../src/sys/message-header.ts";
import { createReceiveBatch, receiveBatchSize } from "../../../src/sys/receive-batch.ts";
import { createSendBatch, sendBatchSize } from "../../../src/sys/send-batch.ts";
import { type Watch, watchReadable } from "../../../src/sys/readiness.ts";
import { createRegion } from "../../../src/sys/region.ts";
import { openSocket, SOCK_DGRAM } from "../../../src/sys/socket.ts";
import { LABEL_DIGITS, readDigits, writeAddressV4 } from "./numbered-names.ts";

const SLOT = 512;
const TTL_SECONDS = 300;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const HEADER = 12;

const [address = "", port = ""] = process.argv.slice(2);
// A watch that nobody holds is collected, and the program ends.
const watch = serve(address, Number(port));
process.once("SIGTERM", () => watch.close());
process.stdout.write("ready\n");

function serve(local: string, localPort: number): Watch {
  const size = receiveBatchSize(SLOT) + sendBatchSize() + 64;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const receive = createReceiveBatch(arena, region, SLOT);
  const fd = openSocket({
    type: SOCK_DGRAM,
    local: { address: local, port: localPort },
    receiveBuffer: 8 << 20,
  });
  const send = createSendBatch(arena, region, fd);
  return watchReadable(fd, () => {
    for (let passes = 0; passes < 16; passes++) {
      const count = receive.receive(fd);
      for (let i = 0; i < count; i++) {
        const start = receive.start(i);
        const length = answer(arena.octets, start, receive.length(i));
        if (length > 0) send.push(start, length, receive.sender(i), receive.senderLength(i));
      }
      send.flush();
      if (count < BATCH) return;
    }
  });
}

/**
 * Turns the query at `start` into its answer, in place; returns the answer's length, 0 for what is no query.
 */
function answer(octets: Buffer, start: number, length: number): number {
  if (length < HEADER + 5 || ((octets[start + 2] ?? 0) & 0x80) !== 0) return 0;
  const hasOpt = octets[start + 11] !== 0;
  let at = start + HEADER;
  while (octets[at] !== 0 && at < start + length) at += 1 + (octets[at] ?? 0);
  const qtype = ((octets[at + 1] ?? 0) << 8) | (octets[at + 2] ?? 0);
  let end = at + 5;
  if (end > start + length) return 0;
  octets[start + 2] = 0x80 | ((octets[start + 2] ?? 0) & 0x01);
  octets[start + 3] = 0x80;
  octets.fill(0, start + 6, start + HEADER);
  if (qtype === TYPE_A || qtype === TYPE_AAAA) {
    octets[start + 7] = 1;
    end = writeRecord(octets, end, qtype, readNumber(octets, start + HEADER));
  }
  if (hasOpt) {
    octets[start + 11] = 1;
    octets.fill(0, end, end + 11);
    octets[end + 2] = 41;
    octets.writeUInt16BE(1232, end + 3);
    end += 11;
  }
  return end - start;
}

function readNumber(octets: Buffer, nameAt: number): number {
  return octets[nameAt] === LABEL_DIGITS ? readDigits(octets, nameAt + 1) : 0;
}

function writeRecord(octets: Buffer, at: number, type: number, number: number): number {
  octets.writeUInt16BE(0xc000 | HEADER, at);
  octets.writeUInt16BE(type, at + 2);
  octets.writeUInt16BE(1, at + 4);
  octets.writeUInt32BE(TTL_SECONDS, at + 6);
  if (type === TYPE_A) {
    octets.writeUInt16BE(4, at + 10);
    writeAddressV4(octets, at + 12, number);
    return at + 16;
  }
  octets.writeUInt16BE(16, at + 10);
  octets.writeUInt32BE(0x2001_0db8, at + 12);
  octets.fill(0, at + 16, at + 24);
  octets.writeUInt32BE(number, at + 24);
  return at + 28;
}
