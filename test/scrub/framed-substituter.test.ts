import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRequestFiller } from "../../src/scrub/request-filler.ts";
import type { SubstitutedStream } from "../../src/scrub/substituter.ts";
import { createWatch } from "../../src/scrub/watch.ts";
import { cut, runStream } from "./plain-models.ts";

const PLACEHOLDER = "__the_token__";
const VALUE = "s3cr3t-of-api";

function open(type: string, value = VALUE): SubstitutedStream {
  const filler = createRequestFiller(
    [{ placeholder: PLACEHOLDER, value, places: ["body"] }],
    createWatch([PLACEHOLDER]),
  );
  const stream = filler.body(type, undefined)?.openStream();
  if (stream === undefined) throw new Error("refused");
  return stream;
}

/** In an envelope, latin1. */
function message(text: string, flags = 0): string {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(text.length, 1);
  return head.toString("latin1") + text;
}

const octets = (text: string): Buffer => Buffer.from(text, "latin1");

const TYPES = [
  "application/grpc",
  "application/grpc+proto",
  "application/grpc-web+proto; charset=utf-8",
  "application/connect+json",
  "application/connect+proto",
];

describe.each(TYPES)("of type %s", (type) => {
  test("a message goes on whole, whatever it ends with", () => {
    const stream = open(type);
    for (const end of ["", "_", "__the_", PLACEHOLDER.slice(0, -1)]) {
      const sent = message(`a message${end}`);
      expect(stream.push(octets(sent)).toString("latin1")).toBe(sent);
    }
    expect([stream.end().length, stream.misplaced(), stream.unfit()]).toEqual([0, undefined, undefined]);
  });

  test("a placeholder within a message is filled, however that is cut", () => {
    const sent = message(`a ${PLACEHOLDER} b`) + message("") + message(PLACEHOLDER, 2) + message("__the");
    const wanted = sent.replaceAll(PLACEHOLDER, VALUE);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 9 }), (lengths) => {
        const stream = open(type);
        expect(runStream(stream, cut(sent, lengths))).toBe(wanted);
        expect([stream.misplaced(), stream.unfit()]).toEqual([undefined, undefined]);
      }),
    );
  });

  test("one in two messages is not", () => {
    const stream = open(type);
    const sent = message("__the_") + message("token__");
    expect(stream.push(octets(sent)).toString("latin1")).not.toContain(VALUE);
  });

  test("a value of another length is not filled in it", () => {
    const stream = open(type, "longer-than-the-placeholder");
    const sent = message("honest");
    expect(stream.push(octets(sent)).toString("latin1")).toBe(sent);
    expect(stream.unfit()).toBeUndefined();
    stream.push(octets(message(PLACEHOLDER)));
    expect(stream.unfit()).toMatch(/not as long as its placeholder/);
  });

  test("a compressed message is not passed, as a placeholder could not be seen in it", () => {
    const stream = open(type);
    stream.push(octets(message("x", 1)));
    expect(stream.unfit()).toMatch(/compressed/);
  });

  test("one that ends in the middle goes on as far as it has come", () => {
    for (const length of [1, 4, 5, 9]) {
      const sent = message("unfinished__the").slice(0, length);
      const stream = open(type);
      expect(runStream(stream, [octets(sent)])).toBe(sent);
    }
  });
});

test("where no body is filled, messages are not read", () => {
  const filler = createRequestFiller(
    [{ placeholder: PLACEHOLDER, value: VALUE, places: ["header"] }],
    createWatch([PLACEHOLDER]),
  );
  const stream = filler.body("application/grpc", undefined)?.openStream();
  const sent = message("x", 1);
  expect(stream?.push(octets(sent)).toString("latin1")).toBe(sent);
  expect(stream?.unfit()).toBeUndefined();
});

test("base64 of messages has no envelopes to be read", () => {
  expect(runStream(open("application/grpc-web-text"), [octets("AQAAAAE=")])).toBe("AQAAAAE=");
});
