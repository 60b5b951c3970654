import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createGatheringRoom, createTcpClient, type Talk } from "../../../src/dns/io/tcp-client.ts";
import { createArena } from "../../../src/sys/arena.ts";

const arena = createArena(200_000);

/** The two ends of a connection over loopback. */
async function openPair(): Promise<{ readonly near: Socket; readonly far: Socket } & AsyncDisposable> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const accepted: Promise<Socket> = new Promise((resolve) => server.once("connection", resolve));
  const far = connect(address.port, "127.0.0.1");
  const near = await accepted;
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("answers of connections that take turns reach each whole and in order, whatever memory is used again", async () => {
  await using one = await openPair();
  await using two = await openPair();
  const gathering = createGatheringRoom();
  const unwritten: (() => void)[] = [];
  const onQueued = (write: () => void): void => void unwritten.push(write);
  const clients = [one, two].map(({ near }) => {
    const talk: Talk = { unanswered: 0, isOver: false };
    return createTcpClient(near, talk, { arena, answerRoom: 0, gathering, onQueued });
  });
  const wanted: [Buffer[], Buffer[]] = [[], []];
  for (let pass = 0; pass < 6; pass++) {
    for (const [index, length] of [40, 3000, 17, 900, 5000].entries()) {
      const octet = pass * 10 + index;
      arena.octets.fill(octet, 0, length);
      clients[index % 2]?.send(0, length, 0, 0);
      const frame = Buffer.alloc(2 + length, octet);
      frame.writeUInt16BE(length);
      wanted[index % 2 === 0 ? 0 : 1].push(frame);
    }
    for (const write of unwritten.splice(0)) write();
  }
  one.near.end();
  two.near.end();
  expect(Buffer.concat(await one.far.toArray())).toEqual(Buffer.concat(wanted[0]));
  expect(Buffer.concat(await two.far.toArray())).toEqual(Buffer.concat(wanted[1]));
});

test("room that was given back is used again, if it is large enough", () => {
  const gathering = createGatheringRoom();
  const large = gathering.take(5000);
  const small = gathering.take(10);
  gathering.release(small);
  gathering.release(large);
  expect(gathering.take(5001)).not.toBe(large);
  expect(gathering.take(20)).toBe(large);
  expect(gathering.take(20)).not.toBe(large);
});
