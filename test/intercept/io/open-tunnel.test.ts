/** Proxies that answer oddly, late or not at all, on a plain socket. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ProxyRefusedError } from "../../../src/intercept/errors.ts";
import { openTunnel } from "../../../src/intercept/io/open-tunnel.ts";
import { nameOf } from "../../support/policy.ts";
import { until } from "../../support/until.ts";

const TARGET = { name: nameOf("api.example.org"), destination: { address: "198.51.100.1", port: 443 } };
const proxy = { isSecure: false, host: "proxy.example.net", port: 3128, authorization: "Basic dTpw" };
const OPEN = "HTTP/1.1 200 OK\r\n\r\n";

let undo = new AsyncDisposableStack();
afterEach(async () => {
  await undo.disposeAsync();
  undo = new AsyncDisposableStack();
});

/** A connection to a proxy that does so once it has read what it is asked. */
async function connectTo(answer: (client: Socket, asked: string) => void): Promise<Socket> {
  const server = createServer((client) => {
    client.on("error", () => undefined);
    undo.defer(() => void client.destroy());
    client.once("data", (chunk: Buffer) => answer(client, chunk.toString("latin1")));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  undo.defer(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  const socket = connect(address.port, "127.0.0.1");
  undo.defer(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

const open = (socket: Socket, signal = new AbortController().signal): Promise<void> =>
  openTunnel(socket, TARGET, { proxy, signal });

test("what the host sends behind the answer, in the same segment, is read from the socket", async () => {
  const socket = await connectTo((client) => client.write(`${OPEN}220 hello\r\n`));
  await open(socket);
  const [first] = await once(socket, "data");
  expect(String(first)).toBe("220 hello\r\n");
});

test("an answer that comes octet by octet is read, and asked once, with the credentials", async () => {
  const asked: string[] = [];
  const socket = await connectTo((client, text) => {
    asked.push(text);
    client.setNoDelay(true);
    for (const octet of `${OPEN}x`) client.write(octet);
  });
  await open(socket);
  const [first] = await once(socket, "data");
  expect(String(first)).toBe("x");
  expect(asked).toEqual([
    "CONNECT api.example.org:443 HTTP/1.1\r\nHost: api.example.org:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
  ]);
});

describe("no tunnel, and the connection is closed", () => {
  test.each([407, 403, 502])("%i", async (status) => {
    const socket = await connectTo((client) => client.write(`HTTP/1.1 ${status} No\r\n\r\n`));
    const failed = await open(socket).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ProxyRefusedError);
    expect(failed).toMatchObject({ status });
    expect(socket.destroyed).toBe(true);
  });

  test.each<[string, (client: Socket) => void, RegExp]>([
    ["garbage", (client) => client.write("\x00\x01garbage"), /does not answer as a proxy/],
    ["half an answer, and the end", (client) => client.end("HTTP/1.1 200 OK\r\nVi"), /closed the connection/],
    ["the end at once", (client) => client.end(), /closed the connection/],
    ["a reset", (client) => client.resetAndDestroy(), /ECONNRESET|closed the connection/],
    [
      "headers without an end",
      (client) => client.write(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`),
      /too long/,
    ],
  ])("%s", async (_what, answer, reason) => {
    const socket = await connectTo(answer);
    await expect(open(socket)).rejects.toThrow(reason);
    expect(socket.destroyed).toBe(true);
  });

  test("a proxy that says nothing, once it is given up", async () => {
    let isAsked = false;
    const socket = await connectTo(() => {
      isAsked = true;
    });
    const giveUp = new AbortController();
    const opening = open(socket, giveUp.signal).catch((error: unknown) => error);
    await until("it is asked", () => isAsked);
    giveUp.abort(new DOMException("time is up", "TimeoutError"));
    expect(String(await opening)).toMatch(/it took too long/);
    expect(socket.destroyed).toBe(true);
  });
});
