import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLiveFlows } from "../../../src/intercept/io/live-flows.ts";
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
  const live = createLiveFlows();
  const socket = await open();
  live.add(socket, DESTINATION);
  expect(live.size()).toBe(1);
  socket.destroy();
  await until("it is closed", () => live.size() === 0);
});

test("where too many have shown no name, the one that waits longest goes", async () => {
  const live = createLiveFlows(10, 2);
  const sockets = [await open(), await open(), await open()];
  for (const socket of sockets) live.add(socket, DESTINATION);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
});

test("where there are too many in all, an idle one goes for the newcomer, and none that is at work", async () => {
  const live = createLiveFlows(2);
  const [busy, idle] = [await open(), await open()];
  for (const socket of [busy, idle]) {
    const flow = live.add(socket, DESTINATION);
    if (flow !== undefined) live.settle(flow, NAME, false);
  }
  busy.write("x");
  expect(live.add(await open(), DESTINATION)).toBeDefined();
  expect([busy.destroyed, idle.destroyed]).toEqual([false, true]);
});

test("where all are at work, the newcomer has no room", async () => {
  const live = createLiveFlows(1);
  const busy = await open();
  const flow = live.add(busy, DESTINATION);
  if (flow !== undefined) live.settle(flow, NAME, false);
  busy.write("x");
  expect(live.add(await open(), DESTINATION)).toBeUndefined();
  expect(busy.destroyed).toBe(false);
});

test("flows of a name can be reset, and others stay", async () => {
  const live = createLiveFlows();
  const [one, other] = [await open(), await open()];
  const flow = live.add(one, DESTINATION);
  live.add(other, DESTINATION);
  if (flow !== undefined) live.settle(flow, NAME, false);
  live.resetWhere(({ name }) => name === NAME);
  expect([one.destroyed, other.destroyed]).toEqual([true, false]);
});
