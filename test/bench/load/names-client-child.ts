/**
 * The workload of the rows of names: `KIND ADDRESS NAME COUNT SECONDS`. Tells in a line of JSON `{ value }`
 * what it has seen; `live` says `ready` once its streams are there, and tells how many have ended when its
 * input does.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { helloFor } from "../../wire-names/make-hello.ts";
import { median } from "../statistics.ts";
import { ASKS, ENDLESS, PIECE, PLAIN_PORT, STREAM_PORT, TLS_PORT } from "./names-plan.ts";

const [kind = "", address = "", name = "", count = "1", seconds = "1"] = process.argv.slice(2);
const COUNT = Number(count);
const PING = Buffer.of(1);

/** A stream that has shown the name, and been answered. */
async function openStream(): Promise<Socket> {
  const socket = connect({ host: address, port: STREAM_PORT, noDelay: true });
  await once(socket, "connect");
  socket.write(helloFor(name));
  await once(socket, "data");
  return socket;
}

async function openStreams(asks: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  for (let index = 0; index < COUNT; index++) {
    const socket = await openStream();
    socket.write(Buffer.of(asks));
    sockets.push(socket);
  }
  return sockets;
}

/** Of plain HTTP: one request that has no end, or is answered without one. */
async function openPlain(line: string): Promise<readonly Socket[]> {
  const socket = connect({ host: address, port: PLAIN_PORT, noDelay: true });
  await once(socket, "connect");
  socket.write(`${line} / HTTP/1.1\r\nHost: ${name}\r\n${line === "PUT" ? `${ENDLESS}\r\n` : ""}\r\n`);
  return [socket];
}

/** MiB a second of all streams together. */
async function measureBulk(
  opened: Promise<readonly Socket[]>,
  begin: (socket: Socket) => () => number,
): Promise<number> {
  const counts = (await opened).map(begin);
  const sum = (): number => counts.reduce((total, octets) => total + octets(), 0);
  await sleep(200);
  const [before, startMs] = [sum(), performance.now()];
  await sleep(1000 * Number(seconds));
  return (sum() - before) / (1 << 20) / ((performance.now() - startMs) / 1000);
}

function takeAll(socket: Socket): () => number {
  socket.on("data", () => undefined);
  return () => socket.bytesRead;
}

function giveAll(socket: Socket): () => number {
  const piece = Buffer.alloc(PIECE, 7);
  const pour = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", pour);
  pour();
  // What is still in our own queue has not gone.
  return () => socket.bytesWritten - socket.writableLength;
}

/** The median of so many, in microseconds. */
async function measureEach(act: () => Promise<unknown>): Promise<number> {
  const tookUs: number[] = [];
  for (let index = 0; index < COUNT; index++) {
    const startMs = performance.now();
    await act();
    tookUs.push(1000 * (performance.now() - startMs));
  }
  return median(tookUs);
}

async function shakeHands(): Promise<void> {
  const socket = connectTls({ host: address, port: TLS_PORT, servername: name, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  socket.destroy();
}

async function measureRefusals(): Promise<number> {
  const hello = helloFor(name);
  const tookUs: number[] = [];
  for (let index = 0; index < COUNT; index++) {
    const socket = connect({ host: address, port: STREAM_PORT, noDelay: true });
    await once(socket, "connect");
    const startMs = performance.now();
    socket.write(hello);
    await new Promise<void>((done, fail) => {
      socket.once("error", () => done());
      socket.once("data", () => fail(new Error(`${name} was answered`)));
    });
    tookUs.push(1000 * (performance.now() - startMs));
  }
  return median(tookUs);
}

async function measurePings(): Promise<number> {
  const [socket] = await openStreams(ASKS.echo);
  if (socket === undefined) throw new Error("no stream");
  return measureEach(async () => {
    socket.write(PING);
    await once(socket, "data");
  });
}

/** How many streams have ended or fallen silent until the input ends. */
async function holdLive(): Promise<number> {
  const sockets = await openStreams(ASKS.echo);
  let broken = 0;
  for (const socket of sockets) {
    socket.once("error", () => undefined);
    socket.once("close", () => (broken += 1));
  }
  process.stdout.write("ready\n");
  process.stdin.resume();
  await once(process.stdin, "end");
  const answered = sockets.filter((socket) => !socket.destroyed).map((socket) => answers(socket));
  const silent = (await Promise.all(answered)).filter((isThere) => !isThere).length;
  return broken + silent;
}

async function answers(socket: Socket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("data", () => resolve(true));
  socket.once("close", () => resolve(false));
  socket.write(PING);
  return Promise.race([promise, sleep(10_000, false)]);
}

const MEASURES: Readonly<Record<string, () => Promise<number>>> = {
  down: () => measureBulk(openStreams(ASKS.down), takeAll),
  up: () => measureBulk(openStreams(ASKS.up), giveAll),
  "plain-down": () => measureBulk(openPlain("GET"), takeAll),
  "plain-up": () => measureBulk(openPlain("PUT"), giveAll),
  tls: () => measureEach(shakeHands),
  kept: measurePings,
  wrong: measureRefusals,
  live: holdLive,
};
const value = await MEASURES[kind]?.();
process.stdout.write(`${JSON.stringify({ value })}\n`, () => process.exit());
