/**
 * Runs in a namespace of its own: holds what clients send to port 443 of a loopback address, and says as JSON
 * what was told of it, and what came of each verdict. Nothing else leaves the namespace.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { openPacketQueues, type PacketQueues } from "../../src/netfilter/io/packet-queue.ts";
import { openQueueChains } from "../../src/netfilter/io/queue-chain.ts";
import type { FlowTuple } from "../../src/netfilter/wire/conntrack.ts";
import type { QueuedPacket } from "../../src/netfilter/wire/packet-queue.ts";
import { readTcpSegment } from "../../src/netfilter/wire/tcp-segment.ts";
import { readFirstOctets } from "../../src/wire-names/first-octets.ts";

const host = process.argv[2] === "4" ? "127.0.0.1" : "::1";
const QUEUE = 15_353;
const [VERIFIED, REFUSED] = [0x77, 0x55];
execFileSync("nft", ["-f", "-"], {
  input: `table inet queue_test {
    chain ask { }
    chain ask_begun { }
    chain ask_answers { }
    chain egress {
      type filter hook output priority 0; policy accept;
      meta mark ${REFUSED} reject with tcp reset
      ct mark ${VERIFIED} accept
      tcp dport 443 @ih,0,8 >= 0 jump ask
    }
  }`,
});

const received: string[] = [];
const server = createServer((socket) => {
  socket.on("data", (octets: Buffer) => received.push(octets.toString("latin1")));
  socket.on("error", () => undefined);
});
server.listen(443, host);
await once(server, "listening");

/** Settles once it holds. What never comes ends the process by the test's limit. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function open(): Promise<Socket> {
  const socket = connect({ port: 443, host });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

interface Kept {
  readonly packet: Pick<QueuedPacket, "queue" | "id" | "hook" | "isChecksumNotReady">;
  readonly text: string;
  readonly reply: FlowTuple;
}
let held: Kept[] = [];

function keep(packet: QueuedPacket): void {
  const segment = readTcpSegment(packet.octets);
  if (segment === undefined) throw new Error("no segment");
  const { source, destination, sourcePort, destinationPort, data } = segment;
  const reply: FlowTuple = {
    source: Buffer.from(destination),
    destination: Buffer.from(source),
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    protocol: 6,
  };
  const { queue, id, hook, isChecksumNotReady } = packet;
  held.push({ packet: { queue, id, hook, isChecksumNotReady }, text: data.toString("latin1"), reply });
}
const openQueues = (length?: number): PacketQueues =>
  openPacketQueues({ queues: [QUEUE], onPacket: keep, ...(length === undefined ? {} : { length }) });

/** The first that is held. */
async function take(): Promise<Kept> {
  await until(() => held.length > 0);
  const [first, ...others] = held;
  held = others;
  if (first === undefined) throw new Error("nothing is held");
  return first;
}

const form = openQueueChains({ table: "queue_test", judgesAnswers: false }).fill();
let queues = openQueues();

async function openssl(): Promise<unknown> {
  const argv = [
    "s_client",
    "-connect",
    `${host.includes(":") ? `[${host}]` : host}:443`,
    "-servername",
    "api.example.org",
  ];
  const client = spawn("openssl", argv, { stdio: "ignore" });
  const { packet, text } = await take();
  const before = [...received];
  queues.answer(packet, "accept");
  queues.flush();
  await until(() => received.length > 0);
  const isSame = received.join("") === text;
  client.kill();
  received.length = 0;
  return {
    shown: readFirstOctets(Buffer.from(text, "latin1")),
    before,
    isSame,
    packet: { ...packet, id: 0 },
  };
}

async function marked(): Promise<unknown> {
  const socket = await open();
  socket.write("first");
  const { packet, reply } = await take();
  queues.setMark(reply, { mark: VERIFIED });
  queues.answer(packet, "accept");
  queues.flush();
  await until(() => received.length === 1);
  const before = queues.figures().packets;
  socket.write("second");
  await until(() => received.length === 2);
  socket.destroy();
  return { received: received.splice(0), queuedAgain: queues.figures().packets - before };
}

async function refused(): Promise<unknown> {
  const socket = await open();
  const error = once(socket, "error").catch((failure: unknown) => [failure]);
  socket.write("refused");
  const { packet } = await take();
  queues.answer(packet, "repeat", { mark: REFUSED });
  queues.flush();
  const [failure] = await error;
  return {
    code: failure instanceof Error && "code" in failure ? failure.code : undefined,
    received: received.splice(0),
  };
}

/**
 * Closes it with a packet waiting, sends another, and opens it again: both come by retransmission, to be
 * judged.
 */
async function reopened(): Promise<unknown> {
  const [waiting, later] = [await open(), await open()];
  waiting.write("waiting");
  await take();
  queues.close();
  later.write("later");
  let other = "none";
  queues = openQueues(2);
  try {
    openQueues();
  } catch (error) {
    other = error instanceof Error ? error.message : String(error);
  }
  const before = [...received];
  const texts = [await take(), await take()].map(({ packet, text }) => {
    queues.answer(packet, "accept");
    return text;
  });
  queues.flush();
  await until(() => received.length === 2);
  for (const socket of [waiting, later]) socket.destroy();
  return { before, texts: texts.toSorted(), received: received.splice(0).toSorted(), other };
}

/** More than two packets at once, none of them answered: the others are dropped, and come again. */
async function full(): Promise<unknown> {
  held = [];
  const sockets = await Promise.all(Array.from({ length: 6 }, open));
  for (const socket of sockets) socket.write("x");
  await until(() => held.length === 2);
  const before = received.length;
  while (received.length < 6) {
    const { packet } = await take();
    queues.answer(packet, "accept");
    queues.flush();
    await until(() => held.length > 0 || received.length === 6);
  }
  for (const socket of sockets) socket.destroy();
  return { before, received: received.splice(0).length };
}

async function gone(): Promise<unknown> {
  queues.answer({ queue: QUEUE, id: 999_999 }, "accept");
  queues.flush();
  await until(() => Object.keys(queues.figures().refused).length > 0);
  return queues.figures().refused;
}

const report = {
  openssl: await openssl(),
  marked: await marked(),
  refused: await refused(),
  reopened: await reopened(),
  full: await full(),
  gone: await gone(),
};
queues.close();
server.close();
console.log(JSON.stringify({ ...report, hasForm: form === "native" || form === "xtables" }));
process.exit(0);
