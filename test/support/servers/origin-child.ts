/**
 * Runs in the internet's namespace: sites at every address, over TLS on ports 443 and 8443. The JSON file
 * that is its argument has a certificate for each name. Names that begin with `old` are those of HTTP/1.1
 * alone. Says what each request has brought, and answers it with the same, but those for `/silent`: these are
 * neither read nor answered.
 */
import { readFileSync } from "node:fs";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { z } from "zod";

const certificates = z
  .record(z.string(), z.object({ key: z.string(), cert: z.string() }))
  .parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
const contexts = new Map<string, SecureContext>(
  Object.entries(certificates).map(([name, certificate]) => [name, createSecureContext(certificate)]),
);
const say = (line: object): void => console.log(JSON.stringify(line));

/** What was stored at `/blob`. */
let blob = Buffer.alloc(0);

function keepBlob(request: Http2ServerRequest, response: Http2ServerResponse): void {
  response.setHeader("Content-Type", "text/plain");
  if (request.method !== "PUT") {
    response.end(blob);
    return;
  }
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    blob = Buffer.concat(parts);
    response.end("kept");
  });
}

function answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  if (request.url === "/silent") return;
  const { socket } = request.stream?.session ?? request;
  const seen = {
    sni: socket instanceof TLSSocket ? socket.servername : undefined,
    version: request.httpVersion,
    host: request.headers[":authority"] ?? request.headers.host,
    path: request.url,
    injected: request.headers["x-injected"],
    authorization: request.headers.authorization,
    local: socket.localAddress,
    port: socket.localPort,
  };
  say({ event: "request", ...seen });
  if (request.url === "/blob") return keepBlob(request, response);
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(seen));
}

for (const port of [443, 8443]) {
  const server = createSecureServer(
    {
      allowHTTP1: true,
      // Fewer than a client may have at the sidecar: the others wait there.
      settings: { maxConcurrentStreams: 64 },
      ALPNCallback: ({ servername, protocols }) =>
        (servername.startsWith("old.") ? ["http/1.1"] : ["h2", "http/1.1"]).find((ours) =>
          protocols.includes(ours),
        ),
      SNICallback: (name, done) => done(null, contexts.get(name)),
    },
    answer,
  );
  server.on("tlsClientError", (error: Error) => say({ event: "broken", error: error.message }));
  server.on("sessionError", () => undefined);
  await new Promise<void>((done) => server.listen(port, "::", done));
}
say({ event: "ready" });
