/** An origin that asks for a certificate of its clients: the workload's does not pass, and we have none. */
import { createServer } from "node:tls";
import { expect, test } from "vitest";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CA, CERTIFICATE, connectRaw, listen, NAME, startRelay } from "./world.ts";

async function startAsking(protocol: string, version: "TLSv1.2" | "TLSv1.3") {
  const seen = { octets: 0 };
  const asks = { requestCert: true, rejectUnauthorized: true, ca: CA };
  const versions = { minVersion: version, maxVersion: version };
  const server = createServer({ ...CERTIFICATE, ...asks, ...versions, ALPNProtocols: [protocol] }, (socket) =>
    socket.on("data", ({ length }: Buffer) => (seen.octets += length)),
  );
  server.on("tlsClientError", () => undefined);
  return { port: await listen(server), seen };
}

const SAID = /^the origin asks for a client's certificate, and none is shown to it\n$/;
const HANDSHAKE = /^no TLS handshake with api\.example\.org: .*alert handshake failure/;

test.each([
  ["TLSv1.3", SAID],
  ["TLSv1.2", HANDSHAKE],
] as const)("has a request of HTTP/1.1 answered with 502 in words, %s", async (version, words) => {
  const { port, seen } = await startAsking("http/1.1", version);
  const relay = await startRelay({ origin: port });
  const client = await connectRaw(relay.port);
  client.socket.write(request("GET / HTTP/1.1", `Host: ${NAME}`));
  const text = await client.has(/^HTTP\/1\.1 502 [^]*\r\n\r\n[^]*\n/);
  expect(text.slice(text.indexOf("\r\n\r\n") + 4)).toMatch(words);
  expect(relay.told.refused).toMatchObject([{ host: NAME, status: 502 }]);
  expect(seen.octets).toBe(0);
});

test.each([
  ["h2", "TLSv1.3", SAID],
  ["h2", "TLSv1.2", HANDSHAKE],
  ["http/1.1", "TLSv1.3", SAID],
] as const)("has a request of HTTP/2 answered so, %s, %s", async (protocol, version, words) => {
  const { port, seen } = await startAsking(protocol, version);
  const relay = await startRelay({ origin: port, protocols: ["h2"] });
  const { status, body } = await askH2(dialH2(relay.port), {});
  expect([status, body]).toEqual([502, expect.stringMatching(words)]);
  expect(seen.octets).toBe(0);
});
