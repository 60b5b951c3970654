import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { createHealthCheck } from "../../src/enforcement/sandbox-health.ts";

const ADDRESS = "127.0.0.1";

/** Answers whatever it is asked, and counts connections. */
async function startResolver() {
  let connections = 0;
  const tcp = createServer((socket) => {
    connections += 1;
    socket.on("data", () => socket.end("answer")).on("error", () => undefined);
  }).listen(0, ADDRESS);
  await once(tcp, "listening");
  const address = tcp.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const udp = createSocket("udp4", (_, { port }) => udp.send("answer", port, ADDRESS));
  udp.bind(address.port, ADDRESS);
  await once(udp, "listening");
  return {
    listening: [{ address: ADDRESS, port: address.port }],
    ping: Buffer.from("ping"),
    connections: () => connections,
    [Symbol.dispose]() {
      tcp.close();
      udp.close();
    },
  };
}

test("all who ask at the same time share one look at the resolver", async () => {
  using resolver = await startResolver();
  const check = createHealthCheck([() => []], () => resolver);
  const crowd = await Promise.all(Array.from({ length: 200 }, check));
  expect(crowd.every(({ ok }) => ok)).toBe(true);
  expect(resolver.connections()).toBe(1);
  expect(await check()).toEqual({ ok: true });
  expect(resolver.connections()).toBe(2);
});

test("what is known to be wrong is said at once, while a look is under way, too", async () => {
  using resolver = await startResolver();
  const known: string[] = [];
  const check = createHealthCheck([() => known], () => resolver);
  const look = check();
  known.push("the rules are gone");
  expect(await check()).toEqual({ ok: false, reason: "the rules are gone" });
  expect(await look).toEqual({ ok: false, reason: "the rules are gone" });
});

test("before the resolver is there, health is bad, and good once it is", async () => {
  using resolver = await startResolver();
  let server: typeof resolver | undefined;
  const check = createHealthCheck([], () => server);
  expect(await check()).toEqual({ ok: false, reason: "the resolver is not listening yet" });
  server = resolver;
  expect(await check()).toEqual({ ok: true });
});
