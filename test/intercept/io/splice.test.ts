import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { splice } from "../../../src/intercept/io/splice.ts";
import { until } from "../../support/until.ts";

let undo = new AsyncDisposableStack();
afterEach(async () => {
  await undo.disposeAsync();
  undo = new AsyncDisposableStack();
});

/** Both ends of a connection, neither of which ends because the other has. */
async function openPair(): Promise<readonly [near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  const far = connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true });
  const accepted: unknown[] = await once(server, "connection");
  const [near] = accepted;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a server's event has
  const pair = [near as Socket, far] as const;
  undo.defer(() => {
    for (const socket of pair) socket.destroy();
    server.close();
  });
  return pair;
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test("what each side sends is passed on, to its end, and small pieces at once", async () => {
  const [client, workload] = await openPair();
  const [host, server] = await openPair();
  const isAtOnce = [client, host].map((socket) => vi.spyOn(socket, "setNoDelay"));
  const over = splice(client, host, () => undefined);
  workload.end("to the host");
  server.end("to the workload");
  expect(await Promise.all([readAll(server), readAll(workload)])).toEqual(["to the host", "to the workload"]);
  await over;
  for (const set of isAtOnce) expect(set).toHaveBeenCalledWith(true);
});

test.each(["the host", "the workload"])("a reset of %s is one for the other", async (side) => {
  const [client, workload] = await openPair();
  const [host, server] = await openPair();
  const over = splice(client, host, () => undefined);
  workload.write("to the host");
  server.write("to the workload");
  await Promise.all([once(workload, "data"), once(server, "data")]);
  const [failing, told] = side === "the host" ? [server, workload] : [workload, server];
  const failure = once(told, "error");
  failing.resetAndDestroy();
  expect(await failure).toMatchObject([{ code: "ECONNRESET" }]);
  await over;
  expect([client.destroyed, host.destroyed]).toEqual([true, true]);
});

test("what may wait where one side is not read is told, and that it no longer does", async () => {
  const [client, workload] = await openPair();
  const [host, server] = await openPair();
  const kept: number[] = [];
  const over = splice(client, host, (octets) => kept.push(octets));
  const sent = 32 << 20;
  server.end(Buffer.alloc(sent));
  await until("it waits", () => kept.length > 0);
  expect(kept).toEqual([256 << 10]);
  workload.end();
  server.resume();
  expect(await readAll(workload)).toHaveLength(sent);
  await over;
  expect(kept.at(-1)).toBe(0);
});
