/** Frames of HTTP/2 as one likes (RFC 9113 section 4.1), for what no client of others would send. */
import { connect, createServer, type TLSSocket } from "node:tls";
import { CA, CERTIFICATE, defer, listen, NAME } from "./world.ts";

export const TYPE = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  window: 8,
  continuation: 9,
} as const;
export const FLAG = { none: 0, ack: 1, endStream: 1, endHeaders: 4 } as const;

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ""): Buffer {
  const octets = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(octets.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, octets]);
}

export type Pairs = readonly (readonly [name: string, value: string])[];

/** Each literally, never indexed, without Huffman's code (RFC 7541 section 6.2.3). */
export function block(fields: Pairs): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0x10), text(name), text(value)]));
}

/** Literally, and put into the dynamic table (section 6.2.1). */
export function indexed(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(name), text(value)]);
}

function text(value: string): Buffer {
  const octets = Buffer.from(value, "latin1");
  return Buffer.concat([integer(octets.length), octets]);
}

/** With a prefix of seven bits (section 5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const digits = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push(128 + (rest % 128));
  return Buffer.of(...digits, rest);
}

/** The pseudo fields of a request to the relay's host. */
export function asking(method: string, path = "/"): Pairs {
  return [
    [":method", method],
    [":scheme", "https"],
    [":authority", NAME],
    [":path", path],
  ];
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export interface FrameClient {
  readonly socket: TLSSocket;
  closed(): boolean;
  /** All that have come whole. */
  frames(): readonly Frame[];
}

/** Preface and settings are sent. */
export async function dialFrames(port: number): Promise<FrameClient> {
  const socket = connect({ port, host: "127.0.0.1", ca: CA, servername: NAME, ALPNProtocols: ["h2"] });
  let isClosed = false;
  socket.on("error", () => undefined);
  socket.on("close", () => (isClosed = true));
  const frames = collectFrames(socket, 0);
  await new Promise((done) => socket.once("secureConnect", done));
  defer(() => void socket.destroy());
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(TYPE.settings, FLAG.none, 0)]));
  return { socket, closed: () => isClosed, frames };
}

export interface FrameOrigin {
  readonly port: number;
  /** Of the one connection. */
  frames(): readonly Frame[];
  closed(): boolean;
  socket(): TLSSocket | undefined;
}

/** An origin that sends nothing but its settings. */
export async function startFrameOrigin(): Promise<FrameOrigin> {
  let socket: TLSSocket | undefined;
  let frames: (() => readonly Frame[]) | undefined;
  let isClosed = false;
  const server = createServer({ ...CERTIFICATE, ALPNProtocols: ["h2"] }, (client) => {
    socket = client;
    client.on("error", () => undefined);
    client.on("close", () => (isClosed = true));
    frames = collectFrames(client, PREFACE.length);
    client.write(frame(TYPE.settings, FLAG.none, 0));
  });
  const port = await listen(server);
  return { port, frames: () => frames?.() ?? [], closed: () => isClosed, socket: () => socket };
}

function collectFrames(socket: TLSSocket, skipped: number): () => readonly Frame[] {
  let octets = Buffer.alloc(0);
  socket.on("data", (more: Buffer) => (octets = Buffer.concat([octets, more])));
  return () => {
    const frames: Frame[] = [];
    for (let at = skipped; at + 9 <= octets.length;) {
      const end = at + 9 + octets.readUIntBE(at, 3);
      if (end > octets.length) break;
      const [type, flags, stream] = [octets[at + 3] ?? 0, octets[at + 4] ?? 0, octets.readUInt32BE(at + 5)];
      frames.push({ type, flags, stream, payload: octets.subarray(at + 9, end) });
      at = end;
    }
    return frames;
  };
}
