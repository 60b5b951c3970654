import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { drawPing, findSilentTransport } from "../../../src/dns/io/self-check.ts";

const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).forEach((clean) => clean()));

/** A TCP server on a free port of loopback; nobody listens there over UDP. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection).listen(0, "127.0.0.1");
  cleanups.push(() => server.close());
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
const check = async (port: number): Promise<string | undefined> =>
  findSilentTransport(
    { address: "127.0.0.1", port },
    drawPing(() => undefined),
    200,
  );

test("a listener that closes connections without a word is silent", async () => {
  const port = await listen((socket) => socket.end());
  expect(await check(port)).toBe(`the resolver does not answer over UDP and TCP at 127.0.0.1 port ${port}`);
});

test("one that never says anything is silent", async () => {
  const port = await listen((socket) => void cleanups.push(() => socket.destroy()));
  expect(await check(port)).toContain("UDP and TCP");
});

test("one that answers over TCP alone is silent over UDP", async () => {
  const port = await listen((socket) => void socket.end(Buffer.of(0, 1, 0)));
  expect(await check(port)).toContain("over UDP at");
});
