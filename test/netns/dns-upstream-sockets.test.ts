/** The sockets that ask upstreams, against an echo server on loopback. Here for root: they are marked. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  openUpstreamSockets,
  upstreamSocketsSize,
  type UpstreamSockets,
} from "../../src/dns/io/upstream-sockets.ts";
import { createRandomSource } from "../../src/dns/random.ts";
import { createArena } from "../../src/sys/arena.ts";
import { createReceiveBatch, receiveBatchSize } from "../../src/sys/receive-batch.ts";
import type { OwnPorts } from "../../src/sys/local-ports.ts";
import { fillRandom } from "../../src/sys/random.ts";
import { createRegion } from "../../src/sys/region.ts";
import { until } from "../support/until.ts";

const BURST = 200;
const SLOT = 512;
const PORTS: OwnPorts = { count: 4000, port: (index) => 20_000 + index };

let echo: Socket;
const ports = new Set<number>();
beforeAll(async () => {
  echo = createSocket("udp4");
  echo.on("message", (message, { port, address }) => {
    ports.add(port);
    echo.send(message, port, address);
  });
  echo.bind(0, "127.0.0.1");
  await once(echo, "listening");
});
afterAll(() => {
  echo.close();
});

interface Opened {
  readonly sockets: UpstreamSockets;
  /** Queries sent and not answered yet. */
  readonly waiting: Set<number>;
  /** Sends a burst of queries in one pass. */
  burst(): void;
}

function open(): Opened {
  const size = upstreamSocketsSize(1) + receiveBatchSize(SLOT) + 64;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const waiting = new Set<number>();
  const sockets = openUpstreamSockets({
    arena,
    region,
    upstreams: [{ address: "127.0.0.1", port: echo.address().port }],
    mark: { mark: 7, priority: 5, group: undefined },
    ports: PORTS,
    random: createRandomSource(fillRandom),
    receive: createReceiveBatch(arena, region, SLOT),
    lingerMs: 300,
    exchange: { ask: async () => Promise.resolve(undefined), close: () => undefined },
    onAnswer: (attempt) => void waiting.delete(attempt),
    onPass: () => undefined,
    onRead: () => undefined,
  });
  return {
    sockets,
    waiting,
    burst() {
      for (let i = 0; i < BURST; i++) {
        const attempt = sockets.draw(0, (taken) => waiting.has(taken));
        const at = sockets.reserve(12);
        arena.octets.writeUInt16BE(attempt % 0x1_0000, at);
        sockets.send(at, 12);
        waiting.add(attempt);
      }
      sockets.flush();
    },
  };
}

test("every answer comes back under its query's key while sockets are replaced", async () => {
  const { sockets, waiting, burst } = open();
  for (let sent = 0; sent < 60_000; sent += BURST) {
    burst();
    await until("the burst is answered", () => waiting.size === 0);
  }
  expect(ports.size).toBeGreaterThan(4);
  expect([...ports].every((port) => port >= 20_000 && port < 24_000)).toBe(true);
  expect(sockets.dropped()).toBe(0);
  sockets.close();
});

test("nothing is sent once they are closed", () => {
  const { sockets } = open();
  sockets.close();
  expect(sockets.draw(0, () => false)).toBe(-1);
  sockets.flush();
  sockets.close();
});
