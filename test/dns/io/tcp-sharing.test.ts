/**
 * Questions that share connections to an upstream (RFC 7766 sections 6.2 and 7), against a real server on
 * loopback.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createTcpSharing, type TcpSharing } from "../../../src/dns/io/tcp-sharing.ts";
import type { Asking } from "../../../src/dns/io/tcp-connection.ts";
import { createFrameReader, frameMessage } from "../../../src/dns/io/tcp-framing.ts";
import { createRandomSource } from "../../../src/dns/random.ts";
import { fillRandom } from "../../../src/sys/random.ts";

/** One question as the server got it: on which connection, and what answers it. */
interface Heard {
  readonly connection: number;
  readonly text: string;
  readonly answer: () => void;
  readonly hangUp: () => void;
}

interface Bench extends AsyncDisposable {
  readonly sharing: TcpSharing;
  /** The next question that the server hears, in order of arrival. */
  next(): Promise<Heard>;
  /** How many have been heard that nobody took with `next`. */
  untaken(): number;
  /** Asks, and gives its answer's text; undefined if there is none. */
  ask(text: string, options?: { group?: number; isWanted?: () => boolean }): Question;
}

interface Question {
  readonly asking: Asking;
  readonly answer: Promise<string | undefined>;
}

/** An id, and the text behind it. */
function messageOf(text: string): Buffer {
  return Buffer.concat([Buffer.of(0x12, 0x34), Buffer.from(text)]);
}

function createQuestion(text: string, group: number, isWanted: () => boolean): Question {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const settle = (answer: Buffer | undefined): void => resolve(answer?.toString("latin1", 2));
  return {
    asking: { query: messageOf(text), group, isWanted, settle, tries: 0, sentMs: 0 },
    answer: promise,
  };
}

/** Hands on what comes to whoever asks for it next, whichever was first. */
function createQueue<T>(): { add(item: T): void; next(): Promise<T>; size(): number } {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    add(item) {
      const first = waiting.shift();
      if (first === undefined) items.push(item);
      else first(item);
    },
    async next() {
      const item = items.shift();
      return item ?? new Promise((resolve) => waiting.push(resolve));
    },
    size: () => items.length,
  };
}

async function openBench(): Promise<Bench> {
  const heard = createQueue<Heard>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const connection = sockets.push(socket);
    const reader = createFrameReader((octets, start, end) => {
      const message = Buffer.from(octets.subarray(start, end));
      heard.add({
        connection,
        text: message.toString("latin1", 2),
        answer: () => void socket.write(frameMessage(message)),
        hangUp: () => void socket.destroy(),
      });
    });
    socket.on("data", (chunk: Buffer) => reader.push(chunk));
    socket.on("error", () => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const sharing = createTcpSharing({
    remote: { address: "127.0.0.1", port: address.port },
    own: {
      mark: { mark: 0, priority: 0, group: undefined },
      ports: { count: 0, port: () => 0 },
      random: createRandomSource(fillRandom),
    },
    hangUp: (socket) => void socket.destroy(),
  });
  return {
    sharing,
    next: heard.next,
    untaken: heard.size,
    ask(text, { group = 1, isWanted = () => true } = {}) {
      const question = createQuestion(text, group, isWanted);
      sharing.ask(question.asking);
      return question;
    },
    async [Symbol.asyncDispose]() {
      sharing.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A group's first sixteen places, each with a question. */
async function fillFirstPlaces(bench: Bench, group = 1): Promise<readonly Heard[]> {
  for (let index = 0; index < 16; index++) bench.ask(`first ${index}`, { group });
  return Promise.all(Array.from({ length: 16 }, async () => bench.next()));
}

test("a question is answered under its own id, whatever id it was sent under", async () => {
  await using bench = await openBench();
  const { asking, answer } = bench.ask("one.example.org");
  (await bench.next()).answer();
  await expect(answer).resolves.toBe("one.example.org");
  expect(asking.tries).toBe(1);
});

test("a group's questions go two deep, each behind another, until answers are seen side by side", async () => {
  await using bench = await openBench();
  const first = await fillFirstPlaces(bench);
  expect(new Set(first.map(({ connection }) => connection)).size).toBe(16);
  for (let index = 0; index < 17; index++) bench.ask(`second ${index}`);
  const second = await Promise.all(Array.from({ length: 16 }, async () => bench.next()));
  expect(new Set(second.map(({ connection }) => connection)).size).toBe(16);
  expect(bench.untaken()).toBe(0);
});

test("another group's question is not held up by those: it has connections of its own", async () => {
  await using bench = await openBench();
  const first = await fillFirstPlaces(bench);
  const { answer } = bench.ask("other.example.org", { group: 2 });
  const heard = await bench.next();
  expect(first.map(({ connection }) => connection)).not.toContain(heard.connection);
  heard.answer();
  await expect(answer).resolves.toBe("other.example.org");
});

test("a question that waits for a place is asked again whether it is wanted, and not sent if a change has denied it", async () => {
  await using bench = await openBench();
  const first = await fillFirstPlaces(bench);
  for (let index = 0; index < 16; index++) bench.ask(`second ${index}`);
  await Promise.all(Array.from({ length: 16 }, async () => bench.next()));
  let isWanted = true;
  const queued = bench.ask("denied.example.org", { isWanted: () => isWanted });
  isWanted = false;
  first[0]?.answer();
  await expect(queued.answer).resolves.toBeUndefined();
  expect(queued.asking.tries).toBe(0);
  expect(bench.untaken()).toBe(0);
});

test("a question that is lost with its connection is sent three times, and has no answer then", async () => {
  await using bench = await openBench();
  const { asking, answer } = bench.ask("lost.example.org");
  for (let tries = 0; tries < 3; tries++) (await bench.next()).hangUp();
  await expect(answer).resolves.toBeUndefined();
  expect(asking.tries).toBe(3);
});

test("an upstream that closes after an answer loses nobody's question, and gets one a connection from then on", async () => {
  await using bench = await openBench();
  await fillFirstPlaces(bench);
  const behind = bench.ask("behind.example.org");
  const second = await bench.next();
  const early = bench.ask("early.example.org");
  const third = await bench.next();
  expect(third.connection).not.toBe(second.connection);
  third.answer();
  await expect(early.answer).resolves.toBe("early.example.org");
  third.hangUp();
  const again = await bench.next();
  expect(again.text).toMatch(/^first /);
  const next = bench.ask("next.example.org");
  const alone = await bench.next();
  expect(alone.connection).toBeGreaterThan(16);
  alone.answer();
  await expect(next.answer).resolves.toBe("next.example.org");
  second.answer();
  await expect(behind.answer).resolves.toBe("behind.example.org");
});

test("one that has rested is not used once its upstream is known to close after an answer", async () => {
  await using bench = await openBench();
  const asked = Array.from({ length: 16 }, (_, index) => bench.ask(`first ${index}`));
  const heard = await Promise.all(asked.map(async () => bench.next()));
  const behind = bench.ask("behind.example.org");
  const { connection } = await bench.next();
  const ahead = heard.find((one) => one.connection === connection);
  const [, other] = heard.filter((one) => one.connection !== connection);
  // Its connection rests from then on: the upstream serves it beside an older one.
  other?.answer();
  await Promise.race(asked.map(({ answer }) => answer));
  ahead?.answer();
  ahead?.hangUp();
  const again = await bench.next();
  expect(again.text).toBe("behind.example.org");
  expect(again.connection).toBeGreaterThan(16);
  again.answer();
  await expect(behind.answer).resolves.toBe("behind.example.org");
});

test("where a question ran out of time nothing more is sent", async () => {
  await using bench = await openBench();
  const { asking } = bench.ask("silent.example.org");
  const silent = await bench.next();
  bench.sharing.expire(asking);
  const { answer } = bench.ask("after.example.org");
  const after = await bench.next();
  expect(after.connection).not.toBe(silent.connection);
  after.answer();
  await expect(answer).resolves.toBe("after.example.org");
});

test("at the end what was sent has no answer", async () => {
  await using bench = await openBench();
  const sent = bench.ask("sent.example.org");
  await bench.next();
  bench.sharing.close();
  await expect(sent.answer).resolves.toBeUndefined();
});
