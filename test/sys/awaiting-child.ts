/** Says whether what awaits a watch goes on by itself, or only once a timer has woken Node. */
import { once } from "node:events";
import { createServer } from "node:net";
import { untilWritable, watchReadable } from "../../src/sys/readiness.ts";
import { closeSocket, localPort, openSocket, SOCK_DGRAM, SOCK_STREAM } from "../../src/sys/socket.ts";
import { tryCall } from "../../src/sys/libc.ts";

const TIMER_MS = 2_000;
const HOST = "127.0.0.1";

async function say(what: string, wait: () => Promise<void>): Promise<void> {
  let hasTimerRun = false;
  const timer = setTimeout(() => (hasTimerRun = true), TIMER_MS);
  await wait();
  clearTimeout(timer);
  console.log(`${what}: ${hasTimerRun ? "after" : "before"} the timer`);
}

async function connectTo(port: number): Promise<void> {
  const fd = openSocket({ type: SOCK_STREAM, remote: { address: HOST, port } });
  await untilWritable(fd, new AbortController().signal);
  closeSocket(fd);
}

await say("a datagram", async () => {
  const fd = openSocket({ type: SOCK_DGRAM, local: { address: HOST, port: 0 } });
  const sender = openSocket({ type: SOCK_DGRAM, remote: { address: HOST, port: localPort(fd) } });
  const called = Promise.withResolvers<void>();
  const watch = watchReadable(fd, () => {
    watch.close();
    called.resolve();
  });
  tryCall("send", sender, 0, 0, 0);
  await called.promise;
});

const server = createServer().listen(0, HOST);
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error("no port");
const { port } = address;
await say("a connection", () => connectTo(port));
server.close();
await once(server, "close");
await say("a refusal", () => connectTo(port));
process.exit(0);
