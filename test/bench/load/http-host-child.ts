/**
 * An origin of HTTP/1.1 over TLS for many names: a short answer, and a stream of events that say when they
 * were sent. `PLAN`; tells its port in a line of JSON.
 */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { ANSWER, EVENTS_PATH, type HttpPlan } from "./http-plan.ts";

const EVERY_MS = 5;
/** About as much as a token of a model brings. */
const PADDING = "x".repeat(200);

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
const { certificate } = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as HttpPlan;
const SMALL = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${ANSWER.length}\r\n\r\n${ANSWER}`;
const STREAM = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

function sendEvents(socket: TLSSocket): void {
  socket.write(STREAM);
  const timer = setInterval(() => {
    const event = `data: ${process.hrtime.bigint()} ${PADDING}\n\n`;
    socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
  }, EVERY_MS);
  socket.once("close", () => clearInterval(timer));
}

const server = createServer({ ...certificate, ALPNProtocols: ["http/1.1"] }, (socket) => {
  socket.on("error", () => undefined);
  socket.on("data", (octets) => {
    if (octets.includes(EVENTS_PATH)) sendEvents(socket);
    else socket.write(SMALL);
  });
});
server.listen(0, "127.0.0.1", () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  process.stdout.write(`${JSON.stringify([(server.address() as AddressInfo).port])}\n`);
});
