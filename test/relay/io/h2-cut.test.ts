/** What is cut must not be taken for whole: its stream is reset on the wire, and not ended before. */
import { describe, expect, test } from "vitest";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import {
  asking,
  block,
  dialFrames,
  FLAG,
  type Frame,
  frame,
  type FrameClient,
  startFrameOrigin,
  TYPE,
} from "./h2-frames.ts";
import { NAME, type RawConnection, type Relay, startRawOrigin, startRelay } from "./world.ts";

const STREAM = 1;
const PLACEHOLDER = "placeholder-0123456789";

const has = (frames: readonly Frame[], type: number): boolean =>
  frames.some((one) => one.stream === STREAM && one.type === type);
const isEnded = (frames: readonly Frame[]): boolean =>
  frames.some(
    ({ stream, type, flags }) =>
      stream === STREAM && (type === TYPE.data || type === TYPE.headers) && (flags & FLAG.endStream) !== 0,
  );

function ask(client: FrameClient, method: string, hasBody: boolean): void {
  const flags = FLAG.endHeaders | (hasBody ? FLAG.none : FLAG.endStream);
  client.socket.write(frame(TYPE.headers, flags, STREAM, block(asking(method))));
}

async function cutAnswer(client: FrameClient): Promise<readonly Frame[]> {
  await until("it is reset", () => client.closed() || has(client.frames(), TYPE.reset));
  return client.frames();
}

const CHUNKED =
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npart\n\r\n";
const SIZED = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\npart\n";
describe.each([
  ["passed on", undefined],
  ["searched", createFindChange()],
])("an answer that is %s", (_, findChange) => {
  const start = (origin: number): Promise<Relay> =>
    startRelay({ origin, protocols: ["h2"], ...(findChange === undefined ? {} : { findChange }) });

  test.each<[string, string, (server: RawConnection, relay: Relay) => void]>([
    ["its origin dies in a chunked body", CHUNKED, ({ socket }) => void socket.destroy()],
    ["its origin ends in a chunked body", CHUNKED, ({ socket }) => void socket.end()],
    ["its origin dies in a body of a known length", SIZED, ({ socket }) => void socket.destroy()],
    ["what comes is no chunk", CHUNKED, ({ socket }) => void socket.write("no chunk\r\n")],
    ["its credential is deleted", CHUNKED, (_server, relay) => relay.vault.write(vaultOf())],
  ])("is reset if %s", async (_name, sent, act) => {
    const origin = await startRawOrigin();
    const relay = await start(origin.port);
    const client = await dialFrames(relay.port);
    ask(client, "GET", false);
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.write(sent, "latin1");
    await until("a part has come", () => has(client.frames(), TYPE.data));
    act(server, relay);
    expect(isEnded(await cutAnswer(client))).toBe(false);
  });

  test.each([
    ["resets it for a fault of its own", frame(TYPE.reset, FLAG.none, STREAM, Buffer.of(0, 0, 0, 2))],
    ["resets it as refused", frame(TYPE.reset, FLAG.none, STREAM, Buffer.of(0, 0, 0, 7))],
    ["cancels it", frame(TYPE.reset, FLAG.none, STREAM, Buffer.of(0, 0, 0, 8))],
    ["is gone", undefined],
  ])("is reset if its origin of HTTP/2 %s", async (_name, reset) => {
    const origin = await startFrameOrigin();
    const relay = await start(origin.port);
    const client = await dialFrames(relay.port);
    ask(client, "GET", false);
    await until("it is asked", () => has(origin.frames(), TYPE.headers));
    const socket = origin.socket();
    const fields = block([
      [":status", "200"],
      ["content-type", "text/plain"],
    ]);
    socket?.write(frame(TYPE.headers, FLAG.endHeaders, STREAM, fields));
    socket?.write(frame(TYPE.data, FLAG.none, STREAM, "part\n"));
    await until("a part has come", () => has(client.frames(), TYPE.data));
    if (reset === undefined) socket?.destroy();
    else socket?.write(reset);
    expect(isEnded(await cutAnswer(client))).toBe(false);
  });
});

describe("an upload", () => {
  const BOUND = vaultOf(
    binding("token", {
      hosts: [NAME],
      substitutions: [
        { credential: credential("token", "s3cr3t"), placeholder: PLACEHOLDER, surfaces: ["header"] },
      ],
    }),
  );

  const WAYS: readonly (readonly [string, (client: FrameClient, relay: Relay) => void])[] = [
    [
      "its client resets it",
      ({ socket }) => void socket.write(frame(TYPE.reset, FLAG.none, STREAM, Buffer.of(0, 0, 0, 8))),
    ],
    ["its client is gone", ({ socket }) => void socket.destroy()],
    ["its credential is deleted", (_client, relay) => relay.vault.write(vaultOf())],
    [
      "a placeholder comes in its body",
      ({ socket }) => void socket.write(frame(TYPE.data, FLAG.none, STREAM, `x ${PLACEHOLDER} y\n`)),
    ],
  ];

  const start = async (port: number): Promise<readonly [FrameClient, Relay]> => {
    const relay = await startRelay({ origin: port, protocols: ["h2"], findChange: createFindChange() });
    relay.vault.write(BOUND);
    const client = await dialFrames(relay.port);
    ask(client, "PUT", true);
    client.socket.write(frame(TYPE.data, FLAG.none, STREAM, `${"a".repeat(5000)}\n`));
    return [client, relay];
  };

  test.each(WAYS)("is reset if %s", async (_name, act) => {
    const origin = await startFrameOrigin();
    const [client, relay] = await start(origin.port);
    await until("a part has come", () => has(origin.frames(), TYPE.data));
    act(client, relay);
    await until("the origin hears of it", () => origin.closed() || has(origin.frames(), TYPE.reset));
    expect(isEnded(origin.frames())).toBe(false);
  });

  test.each(WAYS)("to an origin of HTTP/1.1 has no last chunk if %s", async (_name, act) => {
    const origin = await startRawOrigin();
    const [client, relay] = await start(origin.port);
    const server = await origin.next();
    await server.has("aaaa");
    act(client, relay);
    await until("the connection is closed", () => server.closed());
    expect(server.text()).not.toMatch(/\r\n0\r\n\r\n$/);
  });
});
