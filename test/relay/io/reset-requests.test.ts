/** Requests of HTTP/2 that their client resets, as fast as it likes: what they have brought is let go. */
import {
  type ClientHttp2Session,
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Stream,
} from "node:http2";
import v8 from "node:v8";
import vm from "node:vm";
import { describe, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { asking, block, dialFrames, FLAG, frame, startFrameOrigin, TYPE } from "./h2-frames.ts";
import { CERTIFICATE, listen, type Relay, startRawOrigin, startRelay } from "./world.ts";

const MIB = 1 << 20;
const LINES = 32;
const STREAMS = 100;
const CANCEL = constants.NGHTTP2_CANCEL;
v8.setFlagsFromString("--expose-gc");
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the flag brings it
const collect = vm.runInNewContext("gc") as () => void;

function taken(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function roundTrip(client: ClientHttp2Session): Promise<void> {
  await new Promise<void>((done) => void client.ping(() => done()));
}

function startOrigin(maxConcurrentStreams: number): {
  server: Http2SecureServer;
  held: ServerHttp2Stream[];
} {
  const held: ServerHttp2Stream[] = [];
  const server = createSecureServer({ ...CERTIFICATE, settings: { maxConcurrentStreams } });
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => undefined);
    held.push(stream);
  });
  return { server, held };
}

/** What nobody answers, so that the others wait. */
function hang(client: ClientHttp2Session, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const stream = client.request({ ":path": "/hang", ":method": "POST" }, { endStream: false });
    stream.on("error", () => undefined);
  }
}

const PART = 15_000;

async function resetWithHeads(client: ClientHttp2Session, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const fill = String(index).padEnd(PART, "q");
    const head = { ":path": "/x", ":method": "POST", a: fill, b: fill, c: fill, d: fill };
    const stream = client.request(head, { endStream: false });
    stream.on("error", () => undefined);
    await roundTrip(client);
    stream.close(CANCEL);
    await new Promise((done) => stream.once("close", done));
  }
  await roundTrip(client);
}

const PLACES: readonly (readonly [string, () => Promise<{ relay: Relay; busy: number }>])[] = [
  [
    "for a connection to an origin of HTTP/1.1",
    async () => {
      const { port } = await startRawOrigin();
      return { relay: await startRelay({ origin: port, protocols: ["h2"] }), busy: LINES + 1 };
    },
  ],
  [
    "for a stream to an origin of HTTP/2",
    async () => {
      const port = await listen(startOrigin(STREAMS).server);
      return { relay: await startRelay({ origin: port, protocols: ["h2"] }), busy: STREAMS + 1 };
    },
  ],
  [
    "for the origin to be reached",
    async () => {
      const reached = new Promise<void>(() => undefined);
      return { relay: await startRelay({ origin: 1, protocols: ["h2"], reached }), busy: 1 };
    },
  ],
];

test.each(PLACES)("while others wait %s, a request that is reset leaves nothing", async (_for, meet) => {
  const { relay, busy } = await meet();
  const client = dialH2(relay.port);
  await new Promise((done) => client.once("remoteSettings", done));
  hang(client, busy);
  await resetWithHeads(client, 20);
  await until("the others are under way", () => relay.dialled() > 0);
  const [before, kept] = [taken(), relay.kept.at(-1) ?? 0];
  await resetWithHeads(client, 300);
  expect(taken() - before).toBeLessThan(5 * MIB);
  expect(relay.kept.at(-1)).toBeLessThanOrEqual(kept + MIB);
});

test("what an origin that reads nothing keeps here of reset requests is reckoned", async () => {
  const origin = await startFrameOrigin();
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
  const client = dialH2(relay.port);
  hang(client, 1);
  await until("it is asked", () => origin.frames().some(({ type }) => type === TYPE.headers));
  origin.socket()?.pause();
  const before = taken();
  await resetWithHeads(client, 450);
  const grown = taken() - before;
  expect(grown).toBeGreaterThan(5 * MIB);
  expect(relay.kept.at(-1)).toBeGreaterThan(grown);
});

async function meetHeld() {
  const { server, held } = startOrigin(STREAMS);
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
  const client = dialH2(relay.port);
  const ends: number[] = [];
  client.on("goaway", (code: number) => ends.push(code));
  return { held, relay, client, ends };
}

async function resetMany(client: ClientHttp2Session, count: number): Promise<void> {
  for (let index = 0; index < count && !client.destroyed; index += 1) {
    const stream = client.request({ ":path": "/" });
    stream.on("error", () => undefined);
    if (index % 20 === 0) await new Promise((done) => setImmediate(done));
    stream.close(CANCEL);
  }
}

describe("a session whose client resets", () => {
  test("what a program may have under way, goes on", async () => {
    const { client, relay, held } = await meetHeld();
    await resetMany(client, 256);
    const asked = askH2(client, { ":path": "/last" });
    await roundTrip(client);
    const last = await until("it has come", () => held.findLast((stream) => !stream.closed));
    last.respond({ ":status": 200 }, { endStream: true });
    expect((await asked).status).toBe(200);
    expect(relay.shed).toEqual([]);
  });

  test("ever more is ended with ENHANCE_YOUR_CALM, told, and the next client is served", async () => {
    const { client, relay, held, ends } = await meetHeld();
    await resetMany(client, 900);
    await until("it is ended", () => client.destroyed);
    expect(ends).toEqual([constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    expect(relay.shed).toEqual(["too many resets"]);
    await until("the relay's side is over", () => relay.open() === 0);
    held.length = 0;
    const asked = askH2(dialH2(relay.port), {});
    const next = await until("it has come", () => held.shift());
    next.respond({ ":status": 200 }, { endStream: true });
    expect((await asked).status).toBe(200);
  });
});

describe("an origin that takes few streams at once", () => {
  test("is asked for no more, and for none that was reset meanwhile", async () => {
    const { server, held } = startOrigin(5);
    const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
    const client = dialH2(relay.port);
    const first = Array.from({ length: 5 }, () => askH2(client, {}));
    await until("they have come", () => held.length === 5);
    const reset = client.request({ ":path": "/reset" });
    reset.on("error", () => undefined);
    const more = Array.from({ length: 7 }, () => askH2(client, {}));
    await roundTrip(client);
    reset.close(CANCEL);
    await roundTrip(client);
    expect(relay.told.injected).toHaveLength(5);
    for (let answered = 0; answered < 12; answered += 1) {
      const next = await until("one has come", () => held.shift());
      expect(held.length).toBeLessThan(5);
      next.respond({ ":status": 200 }, { endStream: true });
    }
    for (const answer of await Promise.all([...first, ...more])) expect(answer.status).toBe(200);
    expect(relay.told.injected).toHaveLength(12);
  });

  test("and goes away: what waits is refused, so that it may be tried anew", async () => {
    const { server, held } = startOrigin(1);
    const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
    const client = dialH2(relay.port);
    const first = askH2(client, {});
    await until("it has come", () => held.length === 1);
    const waiting = askH2(client, {});
    await roundTrip(client);
    held[0]?.session?.close();
    expect((await waiting).code).toBe(constants.NGHTTP2_REFUSED_STREAM);
    held[0]?.respond({ ":status": 200 }, { endStream: true });
    expect((await first).status).toBe(200);
    expect(relay.shed).toEqual([]);
  });
});

function getting(id: number, path: string): Buffer {
  return frame(TYPE.headers, FLAG.endStream + FLAG.endHeaders, id, block(asking("GET", path)));
}

describe("an answer's head", () => {
  const FILL = "h".repeat(12_000);
  /** More than the kernel keeps of a connection. */
  const PLUG_OCTETS = 9 * MIB;

  test("counts three times while its stream is open; not after", async () => {
    const { server, held } = startOrigin(STREAMS);
    const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
    const asked = askH2(dialH2(relay.port), {});
    const origin = await until("it has come", () => held.shift());
    origin.respond({ ":status": 200, a: FILL });
    await expect.poll(() => relay.kept.at(-1)).toBeGreaterThanOrEqual(128 * 1024 + 3 * FILL.length);
    origin.end();
    await asked;
    await expect.poll(() => relay.kept.at(-1)).toBe(128 * 1024);
  });

  test("of a request that was reset counts until the client reads", async () => {
    const server = createSecureServer(CERTIFICATE);
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("error", () => undefined);
      stream.respond({ ":status": 200, a: FILL });
      if (headers[":path"] === "/plug") stream.end(Buffer.alloc(PLUG_OCTETS));
    });
    const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
    const client = await dialFrames(relay.port);
    client.socket.pause();
    const windows = [
      frame(TYPE.settings, FLAG.none, 0, Buffer.from("00047fffffff", "hex")),
      frame(TYPE.window, FLAG.none, 0, Buffer.from("7fff0000", "hex")),
    ];
    client.socket.write(Buffer.concat([...windows, getting(1, "/plug")]));
    const toClient = await until("it is connected", () => relay.clients[0]);
    let written = -1;
    await until("no more goes to the client", () => {
      const before = written;
      written = toClient.bytesWritten;
      return written > MIB && written === before;
    });
    for (let id = 3; id < 600; id += 2) {
      const before = relay.kept.at(-1) ?? 0;
      client.socket.write(getting(id, "/"));
      await until("its answer has come", () => (relay.kept.at(-1) ?? 0) > before + 2 * FILL.length);
      client.socket.write(frame(TYPE.reset, FLAG.none, id, Buffer.of(0, 0, 0, CANCEL)));
    }
    await expect.poll(() => relay.kept.at(-1)).toBeGreaterThan(4 * MIB);
    client.socket.resume();
    await expect.poll(() => relay.kept.at(-1)).toBe(128 * 1024);
  });
});
