import { createSocket } from "node:dgram";
import { once } from "node:events";
import { array, assert, boolean, integer, property, record } from "fast-check";
import { afterEach, expect, test } from "vitest";
import { createArena, type Arena } from "../../src/sys/arena.ts";
import { BATCH } from "../../src/sys/message-header.ts";
import { createReceiveBatch, receiveBatchSize, type ReceiveBatch } from "../../src/sys/receive-batch.ts";
import { createSendBatch, sendBatchSize, type SendBatch } from "../../src/sys/send-batch.ts";
import { mustCall } from "../../src/sys/libc.ts";
import { createRegion } from "../../src/sys/region.ts";
import { closeSocket, localPort, openSocket, SOCK_DGRAM } from "../../src/sys/socket.ts";
import { encodeSocketAddress, readPort, SOCKET_ADDRESS_SIZE } from "../../src/sys/socket-address.ts";

const SLOT = 64;
const EAGAIN = -11;
/** Socket options: level, name, value. */
const UDP_GRO = [17, 104, 1];
const IPV6_MTU_1280 = [41, 24, 1280];
const LOCAL = { address: "127.0.0.1", port: 0 };
const open: number[] = [];
afterEach(() => open.splice(0).forEach(closeSocket));

interface Pair {
  readonly arena: Arena;
  readonly text: number;
  readonly name: number;
  readonly receive: ReceiveBatch;
  readonly send: SendBatch;
  readonly receiver: number;
  readonly sender: number;
}

/** Two sockets on loopback, and batches for them in one arena; `name` holds the receiver's address. */
function openPair(slot = SLOT, address = LOCAL.address): Pair {
  const size = receiveBatchSize(slot) + sendBatchSize() + SLOT * BATCH * 2 + SOCKET_ADDRESS_SIZE;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const receiver = openSocket({ type: SOCK_DGRAM, local: { address, port: 0 } });
  const sender = openSocket({ type: SOCK_DGRAM, local: { address, port: 0 } });
  open.push(receiver, sender);
  const receive = createReceiveBatch(arena, region, slot);
  const send = createSendBatch(arena, region, sender);
  const text = region.take(SLOT * BATCH * 2);
  const name = region.take(SOCKET_ADDRESS_SIZE);
  arena.octets.set(encodeSocketAddress({ address, port: localPort(receiver) }), name);
  return { arena, text, name, receive, send, receiver, sender };
}
/** All that waits at the receiver. */
function readAll(pair: Pair): string[] {
  const got: string[] = [];
  for (let count = 1; count > 0;) {
    count = pair.receive.receive(pair.receiver);
    for (let index = 0; index < count; index++) got.push(read(pair, index));
  }
  return got;
}
function setOption({ arena, text }: Pair, fd: number, [level, name, value]: readonly number[]): void {
  arena.octets.writeUInt32LE(value ?? 0, text);
  mustCall("", "setsockopt", fd, level ?? 0, name ?? 0, arena.address(text), 4);
}
function pushText({ arena, text, name, send }: Pair, index: number, words: string): void {
  const length = arena.octets.write(words, text + index * SLOT);
  send.push(text + index * SLOT, length, name, 16);
}
const read = ({ arena, receive }: Pair, index: number): string =>
  arena.octets.toString("latin1", receive.start(index), receive.start(index) + receive.length(index));

test("what is sent in a batch is received in one, each with its sender", () => {
  const pair = openPair();
  for (const [index, words] of ["one", "", "three"].entries()) pushText(pair, index, words);
  expect(pair.receive.receive(pair.receiver)).toBe(EAGAIN);
  pair.send.flush();
  expect(pair.receive.receive(pair.receiver)).toBe(3);
  expect([0, 1, 2].map((index) => read(pair, index))).toEqual(["one", "", "three"]);
  for (const index of [0, 1, 2]) {
    expect(pair.receive.senderLength(index)).toBe(16);
    expect(readPort(pair.arena.octets, pair.receive.sender(index))).toBe(localPort(pair.sender));
  }
});

test("a full batch is flushed by the next datagram, and none is lost or doubled", () => {
  const pair = openPair();
  const words = Array.from({ length: BATCH + 3 }, (_, index) => `datagram ${index}`);
  for (const [index, word] of words.entries()) pushText(pair, index, word);
  pair.send.flush();
  pair.send.flush();
  expect(readAll(pair)).toEqual(words);
  expect(pair.send.dropped()).toBe(0);
});

test("a datagram that is longer than its slot counts as empty", () => {
  const pair = openPair();
  pushText(pair, 0, "x".repeat(SLOT + 1));
  pushText(pair, 2, "y".repeat(SLOT));
  pair.send.flush();
  expect(pair.receive.receive(pair.receiver)).toBe(2);
  expect([pair.receive.length(0), pair.receive.length(1)]).toEqual([0, SLOT]);
});

test("a datagram that cannot go is dropped and counted, and the others go", () => {
  const pair = openPair();
  const { arena, name, send } = pair;
  pushText(pair, 0, "first");
  arena.octets.set(encodeSocketAddress({ address: "127.0.0.1", port: 0 }), name);
  pushText(pair, 1, "to port 0");
  arena.octets.set(encodeSocketAddress({ ...LOCAL, port: localPort(pair.receiver) }), name);
  pushText(pair, 2, "last");
  send.flush();
  expect(pair.receive.receive(pair.receiver)).toBe(2);
  expect([read(pair, 0), read(pair, 1)]).toEqual(["first", "last"]);
  expect(send.dropped()).toBe(1);
});

test("a refusal by the far end costs the next datagram nothing", async () => {
  const far = createSocket("udp4").bind(0, "127.0.0.1");
  await once(far, "listening");
  const remote = { address: "127.0.0.1", port: far.address().port };
  far.close();
  await once(far, "close");
  const pair = openPair();
  const connected = openSocket({ type: SOCK_DGRAM, local: LOCAL, remote });
  open.push(connected);
  pair.send.fd = connected;
  for (let round = 0; round < 3; round++) {
    pair.send.push(pair.text, 4, 0, 0);
    pair.send.flush();
  }
  expect(pair.send.dropped()).toBe(0);
});

test("datagrams of one length to one place pass the kernel as one", () => {
  const pair = openPair();
  setOption(pair, pair.receiver, UDP_GRO);
  for (const [index, words] of ["one", "seven", "two", "4", "eight", "six"].entries())
    pushText(pair, index, words);
  pair.send.flush();
  expect(readAll(pair)).toEqual(["onetwosix", "seveneight", "4"]);
});

test("datagrams to two places in turn are not mixed up", () => {
  const [one, other] = [openPair(), openPair()];
  other.arena.octets.copy(one.arena.octets, one.text, other.name, other.name + 16);
  const datagram = record({ toOther: boolean(), length: integer({ min: 0, max: 3 }) });
  assert(
    property(array(datagram, { maxLength: 40 }), (datagrams) => {
      const sent = datagrams.map(({ toOther, length }, index) => ({
        toOther,
        words: String(index).padStart(3, "0").slice(0, length),
      }));
      for (const [index, { toOther, words }] of sent.entries()) {
        const at = one.text + (index + 1) * SLOT;
        one.arena.octets.write(words, at);
        one.send.push(at, words.length, toOther ? one.text : one.name, 16);
      }
      one.send.flush();
      const wordsTo = (place: boolean): string[] =>
        sent.filter(({ toOther }) => toOther === place).map(({ words }) => words);
      expect(readAll(one).toSorted()).toEqual(wordsTo(false).toSorted());
      expect(readAll(other).toSorted()).toEqual(wordsTo(true).toSorted());
    }),
  );
});

test.each([0, 1, 2])("what the kernel will not join is sent apart, %i others before it", (others) => {
  const pair = openPair(2048, "::1");
  setOption(pair, pair.sender, IPV6_MTU_1280);
  const send = (length: number): void => pair.send.push(pair.text, length, pair.name, SOCKET_ADDRESS_SIZE);
  for (let rounds = 0; rounds < 2; rounds++) {
    // Of lengths of their own: so many messages.
    for (let i = 0; i < others; i++) send(100 + i);
    for (const length of [1400, 1400, 5]) send(length);
    pair.send.flush();
    const lengths = readAll(pair).map((text) => text.length);
    expect(lengths).toEqual([...[100, 101].slice(0, others), 1400, 1400, 5]);
  }
  expect(pair.send.dropped()).toBe(0);
});

test("each datagram of a message that the kernel refuses is counted, and others are still joined", () => {
  const pair = openPair();
  const { arena, name, send } = pair;
  arena.octets.set(encodeSocketAddress({ address: "127.0.0.1", port: 0 }), name);
  for (const [index, words] of ["one", "two", "six"].entries()) pushText(pair, index, words);
  arena.octets.set(encodeSocketAddress({ ...LOCAL, port: localPort(pair.receiver) }), name);
  pushText(pair, 3, "last");
  send.flush();
  expect(readAll(pair)).toEqual(["last"]);
  expect(send.dropped()).toBe(3);
  setOption(pair, pair.receiver, UDP_GRO);
  for (const [index, words] of ["one", "two"].entries()) pushText(pair, index, words);
  send.flush();
  expect(readAll(pair)).toEqual(["onetwo"]);
});

test("datagrams of 65,000 octets and more together are cut into several messages", () => {
  const pair = openPair(2048);
  const lengths = Array.from({ length: BATCH }, () => 2000);
  for (const length of lengths) pair.send.push(pair.text, length, pair.name, 16);
  pair.send.flush();
  expect(readAll(pair).map((text) => text.length)).toEqual(lengths);
  expect(pair.send.dropped()).toBe(0);
});
