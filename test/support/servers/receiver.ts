/**
 * An HTTP(S) server that says what it was sent. Arguments: port, and for TLS the files of key and
 * certificate. It answers with 200 unless the path begins with a list of statuses, as in /503,503,204/hook:
 * one for each request in turn, then the last again.
 */
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";

const [port = "0", key, certificate] = process.argv.slice(2);
let requests = 0;

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const answer: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const path = request.url ?? "";
    const statuses = path.split("/")[1]?.split(",").map(Number).filter(Boolean) ?? [];
    response.statusCode = statuses[Math.min(requests, statuses.length - 1)] ?? 200;
    requests += 1;
    const { method, headers, socket } = request;
    const body = Buffer.concat(chunks).toString("base64");
    say({ event: "request", method, path, headers, body, peer: socket.remoteAddress, atMs: Date.now() });
    response.end("thank you");
  });
};

const server =
  key === undefined || certificate === undefined
    ? createServer(answer)
    : createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer);
server.listen(Number(port), () => say({ event: "ready" }));
