/**
 * An origin over TLS, HTTP/1.1 by hand and HTTP/2 by Node, so that it is no bottleneck. Tells its ports in a
 * line of JSON.
 */
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import { ANSWER, BULK_PATH, type HttpPlan } from "./http-plan.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
const { certificate } = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as HttpPlan;
const PIECE = Buffer.alloc(64 * 1024, "x");
const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ";
const SMALL = Buffer.from(`${HEAD}${ANSWER.length}\r\n\r\n${ANSWER}`);

function pour(to: Duplex, octets: number, onPoured: () => void): void {
  for (let left = octets; left > 0; left -= PIECE.length) {
    if (to.write(PIECE.subarray(0, Math.min(left, PIECE.length)))) continue;
    const rest = left - PIECE.length;
    to.once("drain", () => pour(to, rest, onPoured));
    return;
  }
  onPoured();
}

function bulkOf(text: string): number | undefined {
  const digits = new RegExp(String.raw`${BULK_PATH}(\d+)`).exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function serve(socket: TLSSocket): void {
  socket.on("error", () => undefined);
  socket.on("data", (octets: Buffer) => {
    const text = octets.toString("latin1");
    const bulk = bulkOf(text);
    if (bulk === undefined) {
      socket.write(SMALL);
      return;
    }
    socket.write(`${HEAD}${bulk}\r\n\r\n`);
    pour(socket, bulk, () => undefined);
  });
}

const h1 = createServer({ ...certificate, ALPNProtocols: ["http/1.1"] }, serve);
const h2 = createSecureServer(certificate);
h2.on("session", (session) => {
  session.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    const bulk = bulkOf(String(headers[":path"]));
    stream.respond({ ":status": 200, "content-length": String(bulk ?? ANSWER.length) });
    if (bulk === undefined) stream.end(ANSWER);
    else pour(stream, bulk, () => stream.end());
  });
});
const ports = await Promise.all(
  [h1, h2].map(
    (server) =>
      new Promise<number>((done) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
        server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port));
      }),
  ),
);
process.stdout.write(`${JSON.stringify(ports)}\n`);
