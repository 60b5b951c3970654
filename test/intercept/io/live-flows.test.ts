import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLiveFlows, type LiveFlow, type LiveFlows } from "../../../src/intercept/io/live-flows.ts";
import { nameOf } from "../../support/policy.ts";
import { until } from "../../support/until.ts";

const NAME = nameOf("api.example.org");
const DESTINATION = { octets: Uint8Array.of(198, 51, 100, 1), port: 443 };
const server = createServer((socket) => void socket.on("error", () => undefined));
const made: Socket[] = [];

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  for (const socket of made) socket.destroy();
  server.close();
});

const KIB = 1 << 10;
let nowMs = 0;
let shed: LiveFlow[] = [];
function makeLive(bounds: Partial<Parameters<typeof createLiveFlows>[0]["bounds"]>): LiveFlows {
  shed = [];
  return createLiveFlows({
    bounds: { flows: 2048, unnamed: 512, octets: 1 << 30, ...bounds },
    onShed: (flow) => shed.push(flow),
    nowMs: () => nowMs,
  });
}

async function open(): Promise<Socket> {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  const socket = connect(address.port, "127.0.0.1");
  socket.on("error", () => undefined);
  made.push(socket);
  await once(socket, "connect");
  return socket;
}

test("a flow is known until its connection is closed", async () => {
  const live = makeLive({});
  const socket = await open();
  live.add(socket, DESTINATION);
  expect(live.size()).toBe(1);
  socket.destroy();
  await until("it is closed", () => live.size() === 0);
});

test("where too many have shown no name, the one that waits longest goes", async () => {
  const live = makeLive({ flows: 10, unnamed: 2 });
  const sockets = [await open(), await open(), await open()];
  for (const socket of sockets) live.add(socket, DESTINATION);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
});

test("where there are too many in all, an idle one goes for the newcomer, and none that is at work", async () => {
  const live = makeLive({ flows: 2 });
  const [busy, idle] = [await open(), await open()];
  for (const socket of [busy, idle]) {
    const flow = live.add(socket, DESTINATION);
    if (flow !== undefined) live.settle(flow, NAME, false);
  }
  busy.write("x");
  nowMs += 1000;
  expect(live.add(await open(), DESTINATION)).toBeDefined();
  expect([busy.destroyed, idle.destroyed]).toEqual([false, true]);
});

test("where all are at work, the newcomer has no room", async () => {
  const live = makeLive({ flows: 1 });
  const busy = await open();
  const flow = live.add(busy, DESTINATION);
  if (flow !== undefined) live.settle(flow, NAME, false);
  busy.write("x");
  expect(live.add(await open(), DESTINATION)).toBeUndefined();
  expect(busy.destroyed).toBe(false);
});

test("flows of a name can be reset, and others stay", async () => {
  const live = makeLive({});
  const [one, other] = [await open(), await open()];
  const flow = live.add(one, DESTINATION);
  live.add(other, DESTINATION);
  if (flow !== undefined) live.settle(flow, NAME, false);
  live.resetWhere(({ name }) => name === NAME);
  expect([one.destroyed, other.destroyed]).toEqual([true, false]);
});

/** Connections whose requests are read, each with so many octets kept for it. */
async function openRead(live: LiveFlows, ...kept: readonly number[]): Promise<LiveFlow[]> {
  const flows: LiveFlow[] = [];
  for (const octets of kept) {
    const flow = live.add(await open(), DESTINATION);
    if (flow === undefined) throw new Error("there is no room");
    live.settle(flow, NAME, false);
    live.keep(flow, octets);
    flows.push(flow);
  }
  return flows;
}

test("what a flow takes counts: nothing but its socket, two, or TLS to both sides; and what is kept for it", async () => {
  const live = makeLive({});
  const unnamed = live.add(await open(), DESTINATION);
  expect(live.octets()).toBe(16 * KIB);
  if (unnamed !== undefined) live.settle(unnamed, NAME, true);
  expect(live.octets()).toBe(32 * KIB);
  const [read] = await openRead(live, 100 * KIB);
  expect(live.octets()).toBe((32 + 144 + 100) * KIB);
  read?.client.destroy();
  await until("it is closed", () => live.size() === 1);
  expect(live.octets()).toBe(32 * KIB);
});

test("over the budget the largest idle one goes, and none that is at work, however much is kept for it", async () => {
  const live = makeLive({ octets: 4 * 144 * KIB + 200 * KIB });
  const [small, large, busy] = await openRead(live, 0, 64 * KIB, 128 * KIB);
  busy?.client.write("x");
  await openRead(live, 16 * KIB);
  expect(shed.map(({ client }) => client === large?.client)).toEqual([true]);
  expect([small, large, busy].map((flow) => flow?.client.destroyed)).toEqual([false, true, false]);
});

test("of idle ones of one size, the one that has been silent longest goes", async () => {
  const live = makeLive({ octets: 5 * 144 * KIB });
  const [first, second, third] = await openRead(live, 0, 0, 0);
  nowMs += 1000;
  await openRead(live, 0);
  for (const flow of [first, third]) flow?.client.write("x");
  nowMs += 1000;
  const [busy] = await openRead(live, 0);
  busy?.client.write("x");
  nowMs += 1000;
  await openRead(live, 0);
  expect(shed.map(({ client }) => client === second?.client)).toEqual([true]);
});

test("where all are at work, the newcomer has no room, also once it has shown its name", async () => {
  const live = makeLive({ octets: 2 * 144 * KIB });
  const flows = await openRead(live, 0);
  flows[0]?.client.write("x");
  const newcomer = live.add(await open(), DESTINATION);
  if (newcomer === undefined) throw new Error("there is no room for what it takes at first");
  newcomer.client.write("x");
  live.settle(newcomer, NAME, false);
  expect(shed).toEqual([]);
  const another = live.add(await open(), DESTINATION);
  expect(another).toBeUndefined();
});

test("where all are at work, one that grows has the largest go, be it itself", async () => {
  const live = makeLive({ octets: 3 * 144 * KIB });
  const [one, other] = await openRead(live, 32 * KIB, 0);
  for (const flow of [one, other]) flow?.client.write("x");
  nowMs += 1000;
  if (other !== undefined) live.keep(other, 100 * KIB);
  expect(shed).toEqual([]);
  if (other !== undefined) live.keep(other, 128 * KIB);
  expect(shed).toEqual([other]);
});

test("what is no longer kept makes room", async () => {
  const live = makeLive({ octets: 3 * 144 * KIB });
  const [one] = await openRead(live, 144 * KIB);
  if (one !== undefined) live.keep(one, 0);
  await openRead(live, 0, 0);
  expect(shed).toEqual([]);
});
