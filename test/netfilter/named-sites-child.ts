/**
 * Runs in the internet's namespace: sites at every address, over TLS on port 443 and HTTP on 8090. Says which
 * name each client has shown.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createServer } from "node:tls";

const say = (line: object): void => console.log(JSON.stringify(line));
const folder = mkdtempSync(join(tmpdir(), "named-sites-"));
const [keyFile, certFile] = [join(folder, "key"), join(folder, "cert")];
execFileSync(
  "openssl",
  [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    "/CN=example.org",
  ].concat(["-keyout", keyFile, "-out", certFile]),
  { stdio: "ignore" },
);
const [key, cert] = [readFileSync(keyFile), readFileSync(certFile)];
rmSync(folder, { recursive: true });

/** What a ClientHello shows, whatever becomes of the handshake. */
function onName(name: string, done: (error: null) => void): void {
  say({ event: "tls", name });
  done(null);
}
const tls = createServer({ key, cert, SNICallback: onName }, (socket) => {
  socket.on("error", () => undefined);
  socket.on("data", (octets: Buffer) => {
    if (!octets.toString("latin1").startsWith("GET ")) socket.write(octets);
    else socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  });
});
/** The far end of a connection that is refused hears of it. */
const tellBroken = (at: number, { message }: Error): void => say({ event: "broken", message, at });
tls.on("tlsClientError", (error) => tellBroken(443, error));
/** An octet every 50 ms, as long as somebody listens. */
async function drip(response: ServerResponse): Promise<void> {
  while (!response.destroyed) {
    response.write(".");
    await delay(50);
  }
}
const http = createHttpServer((request, response) => {
  say({ event: "http", name: request.headers.host });
  if (request.url !== "/slow") response.end("hello");
  else void drip(response);
});
http.on("clientError", (error, socket) => {
  tellBroken(8090, error);
  socket.destroy();
});
await new Promise<void>((done) => tls.listen(443, "::", done));
await new Promise<void>((done) => http.listen(8090, "::", done));
say({ event: "ready" });
