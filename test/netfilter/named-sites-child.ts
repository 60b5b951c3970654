/** Runs in the internet's namespace: sites at every address, over TLS on port 443 and HTTP on 8090. Says which name each client has shown. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
tls.on("tlsClientError", () => undefined);
const http = createHttpServer((request, response) => {
  say({ event: "http", name: request.headers.host });
  response.end("hello");
});
http.on("clientError", (_error, socket) => socket.destroy());
await new Promise<void>((done) => tls.listen(443, "::", done));
await new Promise<void>((done) => http.listen(8090, "::", done));
say({ event: "ready" });
