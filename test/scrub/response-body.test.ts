import { expect, test } from "vitest";
import { planBody, REQUEST_CODINGS } from "../../src/scrub/response-body.ts";

const plan = (contentType?: string, contentCoding?: string, messageEncoding?: string): unknown =>
  planBody({ contentType, contentCoding, messageEncoding });
const REFUSED = { kind: "refuse", reason: expect.stringContaining("compressed") };
const WORD = { kind: "redact", fill: "word", shape: {} };
const STARS = { kind: "redact", fill: "stars", shape: { frames: "envelope" } };
const delimited = (delimiter: string): unknown => ({ ...WORD, shape: { delimiter } });
const PASS = { kind: "pass" };

test.each([
  ["application/json", undefined, WORD],
  ["text/event-stream; charset=utf-8", "identity", WORD],
  ["image/svg+xml", undefined, WORD],
  [undefined, undefined, WORD],
  ["x/unknown", undefined, WORD],
  ["TEXT/HTML", "", WORD],
  ["multipart/mixed; boundary=image/png", undefined, delimited("--image/png")],
  ['multipart/mixed; subscriptionSpec=1.0; boundary="graph ql";x=y', undefined, delimited("--graph ql")],
  ["multipart/mixed", undefined, WORD],
  ["text/plain; boundary=x", undefined, WORD],
  ["image/png", undefined, PASS],
  ["application/octet-stream", "gzip", PASS],
  ["Application/Zip", undefined, PASS],
  ["application/zip-like", undefined, WORD],
  ["text/plain, image/png", undefined, WORD],
  ["image/png, text/html", undefined, WORD],
  ["image/png, IMAGE/png; x=y", undefined, PASS],
  ["audio/x-mpegurl", undefined, WORD],
  ["audio/x-scpls", undefined, WORD],
  ["video/vnd.mpegurl", undefined, WORD],
  ["image/x-xbitmap", undefined, WORD],
  ["image/x-portable-graymap", undefined, WORD],
  ["image/vnd.dxf", undefined, WORD],
  ["image/anything+xml", undefined, WORD],
  ["audio/mpeg", undefined, PASS],
  ["video/mp4", "gzip", PASS],
  ["font/woff2", undefined, PASS],
  ["application/vnd.oci.image.layer.v1.tar+gzip", undefined, PASS],
  ["application/vnd.docker.image.rootfs.diff.tar.gzip", undefined, PASS],
  ["application/json", "gzip", REFUSED],
  ["application/json", "identity, br", REFUSED],
  [undefined, "x-unknown", REFUSED],
  ["application/grpc+proto", undefined, STARS],
  ["application/grpc-web+proto", undefined, STARS],
  ["application/connect+json", undefined, STARS],
  ["application/grpc-web-text", undefined, { ...STARS, shape: {} }],
  ["application/vnd.amazon.eventstream", undefined, { ...STARS, shape: { frames: "eventstream" } }],
  ["application/connect+json", "gzip", REFUSED],
])("a body of type %s, coded %s", (type, coding, expected) => {
  expect(plan(type, coding)).toEqual(expected);
});

test("what is asked for in place of the client's own codings can be read", () => {
  const { "accept-encoding": coding, "grpc-accept-encoding": grpcEncoding } = REQUEST_CODINGS;
  expect([plan("text/plain", coding), plan("application/grpc", coding, grpcEncoding)]).toEqual([WORD, STARS]);
});

test("messages of gRPC that are compressed are refused", () => {
  expect(plan("application/grpc", undefined, "gzip")).toEqual(REFUSED);
  expect(plan("application/grpc", undefined, "identity")).toEqual(STARS);
});
