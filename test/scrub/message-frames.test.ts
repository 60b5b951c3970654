/** Streams whose messages tell their lengths: secrets are taken out, and no message is held back. */
import { array, assert, constantFrom, nat, property, record, string as text, boolean } from "fast-check";
import { describe, expect, test } from "vitest";
import type { FrameKind } from "../../src/scrub/message-frames.ts";
import { createRedactor } from "../../src/scrub/redactor.ts";
import { cut, redactPlainly } from "./plain-models.ts";

const SECRET = "s3cr3t-t0ken";
const stars = (length: number): string => "*".repeat(length);

const open = (kind: FrameKind) => createRedactor([SECRET]).openStream("stars", { frames: kind });

/** Of gRPC. */
function envelope(payload: string, flags = 0): string {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(payload.length, 1);
  return head.toString("latin1") + payload;
}

function event(payload: string): string {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(payload.length + 4);
  return head.toString("latin1") + payload;
}

/** Of WebSocket, as a server sends it; `first` has its opcode and FIN. */
function wsFrame(first: number, payload: string): string {
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.of(first, length)
      : Buffer.concat([Buffer.of(first, 126), Buffer.of(Math.floor(length / 256), length % 256)]);
  return head.toString("latin1") + payload;
}

const octets = (read: string): Buffer => Buffer.from(read, "latin1");
const FIN = 0x80;
const [CONTINUATION, TEXT, PING] = [0, 1, 9];

describe("a message goes on when it is whole, whatever it ends with", () => {
  test.each<[string, FrameKind, readonly string[]]>([
    ["gRPC, empty ones too", "envelope", [envelope(""), envelope("\0"), envelope("abc s3"), envelope("s")]],
    ["Connect's last message", "envelope", [envelope('{"a":1}'), envelope("{}", 2)]],
    ["AWS's event streams", "eventstream", [event("twelve octets"), event("s3cr3t-s3cr3t-")]],
    [
      "WebSocket",
      "websocket",
      [wsFrame(FIN + TEXT, "s3"), wsFrame(FIN + PING, "s"), wsFrame(FIN + TEXT, "")],
    ],
    ["large ones of WebSocket", "websocket", [wsFrame(FIN + TEXT, "s".repeat(300)), wsFrame(FIN + 8, "")]],
  ])("%s", (_what, kind, messages) => {
    const stream = open(kind);
    for (const message of messages) expect(stream.push(octets(message)).toString("latin1")).toBe(message);
    expect(stream.end().length).toBe(0);
  });
});

describe("a secret is taken out", () => {
  test("of a message in several frames, also with a ping between them", () => {
    const stream = open("websocket");
    const frames = [
      wsFrame(TEXT, "is s3cr3"),
      wsFrame(FIN + PING, SECRET),
      wsFrame(CONTINUATION, "t-t0"),
      wsFrame(FIN + CONTINUATION, "ken."),
    ];
    const given = frames.map((frame) => stream.push(octets(frame)).toString("latin1")).join("");
    expect(given).toBe(
      [
        wsFrame(TEXT, "is *****"),
        wsFrame(FIN + PING, stars(12)),
        wsFrame(CONTINUATION, "****"),
        wsFrame(FIN + CONTINUATION, "***."),
      ].join(""),
    );
  });

  test("but not where it lies in two messages: these are two texts", () => {
    const stream = open("envelope");
    const given = [envelope("s3cr3t-"), envelope("t0ken")].map((one) => stream.push(octets(one)));
    expect(Buffer.concat(given).toString("latin1")).toBe(envelope("s3cr3t-") + envelope("t0ken"));
  });
});

describe("what cannot be read ends the stream, and nothing of it goes on", () => {
  test.each<[string, FrameKind, string, RegExp]>([
    ["a compressed message of gRPC", "envelope", envelope("x", 1), /compressed/],
    ["an event shorter than its head", "eventstream", "\0\0\0\x08\0\0\0\0", /shorter than its own head/],
    ["a masked frame", "websocket", "\x81\x80abcd", /masked/],
    ["a frame with an extension", "websocket", "\xc1\x01a", /extension/],
    ["a control frame of 126 octets", "websocket", "\x89\x7e\0\x7e", /length/],
    ["a frame of more octets than can be counted", "websocket", "\x82\x7f\xff\0\0\0\0\0\0\0", /length/],
  ])("%s", (_what, kind, read, expected) => {
    const stream = open(kind);
    expect(stream.push(octets(read)).length).toBe(0);
    expect(stream.fault()).toMatch(expected);
    expect([stream.push(octets("more")).length, stream.end().length]).toEqual([0, 0]);
  });
});

test("a stream that ends in the middle loses nothing that has come", () => {
  for (const read of [envelope("message"), envelope("message").slice(0, 3), envelope("mess").slice(0, -1)]) {
    const stream = open("envelope");
    expect(Buffer.concat([stream.push(octets(read)), stream.end()]).toString("latin1")).toBe(read);
  }
});

describe("as one that looks at each message alone, however the stream is cut", () => {
  const payload = text({ unit: constantFrom(SECRET, "s3", "c", "\n", "\0", "="), maxLength: 14 });
  const chunks = array(nat(9), { minLength: 1, maxLength: 4 });
  const plain = (read: string): string => redactPlainly([SECRET], read, stars);

  test("envelopes", () => {
    assert(
      property(array(payload), chunks, (payloads, lengths) => {
        const read = payloads.map((one) => envelope(one)).join("");
        expect(run("envelope", read, lengths)).toBe(payloads.map((one) => envelope(plain(one))).join(""));
      }),
    );
  });

  test("frames of WebSocket", () => {
    const message = record({ parts: array(payload, { minLength: 1, maxLength: 4 }), pings: boolean() });
    assert(
      property(array(message), chunks, (messages, lengths) => {
        const write = (look: (whole: string) => string): string =>
          messages.map(({ parts, pings }) => framesOf(parts, look(parts.join("")), pings)).join("");
        expect(
          run(
            "websocket",
            write((whole) => whole),
            lengths,
          ),
        ).toBe(write(plain));
      }),
    );
  });
});

function run(kind: FrameKind, read: string, lengths: readonly number[]): string {
  const stream = open(kind);
  const given = cut(read, lengths).map((piece) => Buffer.from(stream.push(Buffer.from(piece))));
  return Buffer.concat(given).toString("latin1");
}

/** Stars are as long as what they cover, so a message is cut where it was. */
function framesOf(parts: readonly string[], whole: string, pings: boolean): string {
  let at = 0;
  return parts
    .map((part, index) => {
      const first = (index === 0 ? TEXT : CONTINUATION) + (index === parts.length - 1 ? FIN : 0);
      const own = whole.slice(at, (at += part.length));
      return wsFrame(first, own) + (pings && index < parts.length - 1 ? wsFrame(FIN + PING, "hi") : "");
    })
    .join("");
}
