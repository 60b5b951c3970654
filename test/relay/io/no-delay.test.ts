/** Small pieces go out at once, and do not wait until what went before them is acknowledged. */
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import { Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, type Relay, startRawOrigin, startRelay } from "./world.ts";

const set = vi.spyOn(Socket.prototype, "setNoDelay");
afterEach(() => set.mockClear());

/** Ports of the sockets on which it was set. The relay's one to its client has the port of its listener. */
function portsAtOnce(): readonly unknown[] {
  return set.mock.contexts.map((socket, call) =>
    set.mock.calls[call]?.[0] === true && socket instanceof Socket ? socket.localPort : 0,
  );
}

function portsOf({ port, upstreams }: Relay): readonly unknown[] {
  return [port, ...upstreams.map(({ localPort }) => localPort)];
}

test("of HTTP/1.1, to both sides", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  client.socket.write(request("GET / HTTP/1.1", `Host: ${NAME}`));
  await (await origin.next()).has("\r\n\r\n");
  expect(relay.upstreams).toHaveLength(1);
  expect(portsAtOnce()).toEqual(expect.arrayContaining([...portsOf(relay)]));
});

test("of HTTP/2, to both sides", async () => {
  const server = createSecureServer(CERTIFICATE);
  server.on("stream", (stream: ServerHttp2Stream) => stream.respond({ ":status": 204 }, { endStream: true }));
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
  const client = dialH2(relay.port);
  expect((await askH2(client, {})).status).toBe(204);
  expect(relay.upstreams).toHaveLength(1);
  expect(portsAtOnce()).toEqual(expect.arrayContaining([...portsOf(relay)]));
});
