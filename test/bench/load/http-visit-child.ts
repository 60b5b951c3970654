/**
 * Visits over TLS on loopback, each a connection of its own: `PLAN PORT hosts SECONDS`, `PLAN PORT events
 * SECONDS`, `PLAN PORT hold COUNT`. The plan's `ca` is whom it trusts. Tells in a line of JSON what it has
 * seen, in us; `hold` tells once all are open, and keeps them until its input ends.
 */
import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { percentile } from "../statistics.ts";
import { connectByProxy } from "./by-proxy.ts";
import { EVENTS_PATH, FRESH_BASE, HTTP_NAME, type HttpPlan } from "./http-plan.ts";

const [plan = "", port = "", what = "", amount = ""] = process.argv.slice(2);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
const { ca } = JSON.parse(readFileSync(plan, "utf8")) as HttpPlan;
const proxy = process.env["BENCH_PROXY"];

async function dial(servername: string): Promise<TLSSocket> {
  const to =
    proxy === undefined
      ? { port: Number(port), host: "127.0.0.1" }
      : { socket: await connectByProxy(Number(proxy), Number(port)) };
  const socket = connect({ ...to, ca, servername, ALPNProtocols: ["http/1.1"] });
  await new Promise<void>((done, fail) => {
    socket.once("secureConnect", done);
    socket.once("error", fail);
  });
  return socket;
}

/** Settles once the head of the answer has come, and the body that is as short. */
async function ask(socket: TLSSocket, host: string, path = "/"): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("data", () => resolve());
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return promise;
}

/** Each host for the first time: its connection, both handshakes, a certificate for it, a request. */
async function visitHosts(seconds: number): Promise<number> {
  const took: number[] = [];
  const endsAt = performance.now() + seconds * 1000;
  for (let host = process.pid * 100_000; performance.now() < endsAt; host += 1) {
    const name = `n${host}.${FRESH_BASE}`;
    const startedAt = performance.now();
    const socket = await dial(name);
    await ask(socket, name);
    took.push((performance.now() - startedAt) * 1000);
    socket.destroy();
  }
  return percentile(took, 0.5);
}

/** How late events come. Each says when the host has sent it, by the machine's clock. */
async function readEvents(seconds: number): Promise<number> {
  const socket = await dial(HTTP_NAME);
  const late: number[] = [];
  let rest = "";
  socket.on("data", (octets: Buffer) => {
    const now = process.hrtime.bigint();
    const parts = (rest + octets.toString("latin1")).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const [, sentAt] = /data: (\d+)/.exec(part) ?? [];
      if (sentAt !== undefined) late.push(Number(now - BigInt(sentAt)) / 1000);
    }
  });
  socket.write(`GET ${EVENTS_PATH} HTTP/1.1\r\nHost: ${HTTP_NAME}\r\nAccept: text/event-stream\r\n\r\n`);
  await new Promise((done) => setTimeout(done, seconds * 1000));
  // The first ones come while the code is compiled.
  return percentile(late.slice(20), 0.99);
}

async function hold(count: number): Promise<number> {
  for (let left = count; left > 0; left -= 1) await ask(await dial(HTTP_NAME), HTTP_NAME);
  return count;
}

const acts = { hosts: visitHosts, events: readEvents, hold } as const;
const act = what === "hosts" || what === "events" || what === "hold" ? acts[what] : undefined;
if (act === undefined) throw new Error(`there is nothing called ${what}`);
const value = await act(Number(amount));
process.stdout.write(`${JSON.stringify({ value })}\n`, () => {
  if (what !== "hold") process.exit();
  process.stdin.on("end", () => process.exit()).resume();
});
