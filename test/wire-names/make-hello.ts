import { createHash } from "node:crypto";
/** ClientHellos as no client writes them. */

export interface HelloParts {
  /** Contents of `server_name` extensions, one each. */
  readonly serverNames?: readonly Buffer[];
  /** Octets of a meaningless extension ahead of the names. */
  readonly ahead?: number;
  /** And of one behind them. */
  readonly behind?: number;
}

function vector(lengthOctets: 1 | 2, content: Buffer): Buffer {
  const head = Buffer.alloc(lengthOctets);
  head.writeUIntBE(content.length, 0, lengthOctets);
  return Buffer.concat([head, content]);
}

/** The content of an extension with one name. */
export function serverName(name: string, type = 0): Buffer {
  return vector(2, Buffer.concat([Buffer.of(type), vector(2, Buffer.from(name, "latin1"))]));
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type >> 8, type & 255), vector(2, content)]);
}

/** The handshake message. */
export function makeHello({ serverNames = [], ahead, behind }: HelloParts): Buffer {
  const KEY_SHARE = 51;
  const filler = (octets: number | undefined): Buffer =>
    octets === undefined ? Buffer.alloc(0) : extension(KEY_SHARE, Buffer.alloc(octets, 0xab));
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 0x5a),
    vector(1, Buffer.alloc(32, 0x77)),
    vector(2, Buffer.of(0x13, 1, 0x13, 2)),
    vector(1, Buffer.of(0)),
    vector(
      2,
      Buffer.concat([filler(ahead), ...serverNames.map((content) => extension(0, content)), filler(behind)]),
    ),
  ]);
  const head = Buffer.of(1, 0, 0, 0);
  head.writeUIntBE(body.length, 1, 3);
  return Buffer.concat([head, body]);
}

/** A message in records of so many octets. */
export function inRecords(message: Buffer, octets = 16_384): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += octets)
    records.push(Buffer.of(22, 3, 1), vector(2, message.subarray(at, at + octets)));
  return Buffer.concat(records);
}

export function helloFor(name: string): Buffer {
  return inRecords(makeHello({ serverNames: [serverName(name)] }));
}

/** A server's first record: a ServerHello with these random octets. */
export function serverHello(random: Buffer = Buffer.alloc(32, 7)): Buffer {
  const body = Buffer.concat([Buffer.of(3, 3), random, Buffer.of(0, 0x13, 1, 0)]);
  return Buffer.concat([Buffer.of(22, 3, 3, 0, body.length + 4, 2, 0, 0, body.length), body]);
}

/** A HelloRetryRequest: the random octets are RFC 8446's, the digest of its name (section 4.1.3). */
export const RETRY = serverHello(createHash("sha256").update("HelloRetryRequest").digest());
