/**
 * Runs in the internet's namespace: HTTP/2 and HTTP/1 over TLS on port 9445, with a curve that has clients
 * asked for another hello, and a WebSocket that echoes on 9081.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";

const [keyFile = "", certFile = ""] = process.argv.slice(2);
const [key, cert] = [readFileSync(keyFile), readFileSync(certFile)];
const secure = createSecureServer({ key, cert, allowHTTP1: true, ecdhCurve: "P-384" });
secure.on("request", (request, response) => {
  response.end(`HTTP/${request.httpVersion}`);
});
secure.on("sessionError", () => undefined);
const sockets = createServer();
sockets.on("upgrade", (request, socket) => {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"] ?? ""}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("error", () => undefined);
  // A masked text of at most 125 octets in one frame, unmasked (RFC 6455 section 5.2).
  socket.on("data", (frame: Buffer) => {
    const [mask, text] = [frame.subarray(2, 6), frame.subarray(6)];
    const plain = text.map((octet, index) => octet ^ (mask[index % 4] ?? 0));
    if ((frame[0] ?? 0) === 0x81) socket.write(Buffer.concat([Buffer.of(0x81, plain.length), plain]));
  });
});
await new Promise<void>((done) => secure.listen(9445, "::", done));
await new Promise<void>((done) => sockets.listen(9081, "::", done));
console.log(JSON.stringify({ event: "ready" }));
