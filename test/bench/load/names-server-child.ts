/**
 * The far end of the rows of names, at every address: a TLS server, one whose streams begin like TLS and are
 * not encrypted, so that what is measured is the way and not the ciphers, and one of plain HTTP.
 * `CERTIFICATE`, a file of JSON; says `ready`.
 */
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { serverHello } from "../../wire-names/make-hello.ts";
import { ASKS, ENDLESS, PIECE, PLAIN_PORT, STREAM_PORT, TLS_PORT } from "./names-plan.ts";

const [file = ""] = process.argv.slice(2);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
const certificate = JSON.parse(readFileSync(file, "utf8")) as { key: string; cert: string };
const BULK = Buffer.alloc(PIECE, 7);

function pour(socket: Socket): void {
  while (!socket.destroyed && socket.write(BULK));
}

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on("error", () => undefined);
  socket.once("data", () => {
    socket.write(serverHello());
    socket.once("data", ([asked]: Buffer) => {
      if (asked === ASKS.down) {
        socket.on("drain", () => pour(socket));
        pour(socket);
      } else if (asked === ASKS.echo) socket.on("data", (octets) => socket.write(octets));
      else socket.resume();
    });
  });
}

function servePlain(socket: Socket): void {
  socket.on("error", () => undefined);
  socket.once("data", (head: Buffer) => {
    socket.resume();
    if (!head.toString("latin1").startsWith("GET ")) return;
    socket.write(`HTTP/1.1 200 OK\r\n${ENDLESS}\r\n\r\n`);
    socket.on("drain", () => pour(socket));
    pour(socket);
  });
}

const tls = createTlsServer(certificate, (socket) => {
  socket.on("error", () => undefined);
  socket.end();
});
const streams = createServer(serve);
const plain = createServer(servePlain);
await new Promise<void>((done) => tls.listen({ port: TLS_PORT, backlog: 1024 }, done));
await new Promise<void>((done) => plain.listen({ port: PLAIN_PORT, backlog: 1024 }, done));
await new Promise<void>((done) => streams.listen({ port: STREAM_PORT, backlog: 1024 }, done));
process.stdout.write("ready\n");
