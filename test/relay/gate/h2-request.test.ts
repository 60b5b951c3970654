import { describe, expect, test } from "vitest";
import { gateH2Request } from "../../../src/relay/gate/h2-request.ts";

type Pair = readonly [string, string];
const SOUND: readonly Pair[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "api.example.org"],
  [":path", "/a?b"],
];

function gate(pairs: readonly Pair[], hasBody = false) {
  return gateH2Request(pairs.flat(), { scheme: "https", hasBody });
}

function without(name: string): readonly Pair[] {
  return SOUND.filter(([one]) => one !== name);
}

test("a sound request passes", () => {
  expect(gate([...SOUND, ["te", "trailers"], ["x-one", "1"]], true)).toEqual({
    kind: "request",
    method: "GET",
    target: "/a?b",
    path: "/a",
    authority: { name: "api.example.org", port: undefined },
    framing: { kind: "chunked" },
    isOld: false,
    keepsAlive: true,
    webSocket: false,
    takesTrailers: true,
    expectsContinue: false,
    fields: [{ name: "x-one", key: "x-one", value: "1" }],
  });
});

test("host passes if it agrees with :authority, and in its place", () => {
  expect(gate([...SOUND, ["host", "API.example.org:443"]])).toMatchObject({ kind: "request", fields: [] });
  expect(gate([...without(":authority"), ["host", "api.example.org"]])).toMatchObject({
    authority: { name: "api.example.org" },
  });
});

describe("what is refused", () => {
  test.each<readonly [string, readonly Pair[], number]>([
    ["host that differs", [...SOUND, ["host", "b.example.org"]], 421],
    ["two hosts", [...SOUND, ["host", "api.example.org"], ["host", "api.example.org"]], 400],
    ["no authority", without(":authority"), 400],
    ["a user in the authority", [...without(":authority"), [":authority", "a@api.example.org"]], 400],
    ["two authorities", [...SOUND, [":authority", "api.example.org"]], 400],
    ["a pseudo field behind others", [...without(":path"), ["a", "b"], [":path", "/"]], 400],
    ["an unknown pseudo field", [...SOUND, [":protocol", "websocket"]], 400],
    ["no path", without(":path"), 400],
    ["an absolute path", [...without(":path"), [":path", "https://api.example.org/"]], 400],
    ["a path with a blank", [...without(":path"), [":path", "/a b"]], 400],
    ["another scheme", [...without(":scheme"), [":scheme", "http"]], 421],
    ["CONNECT", [...without(":method"), [":method", "CONNECT"]], 405],
    ["TRACE", [...without(":method"), [":method", "TRACE"]], 405],
    ["a name in upper case", [...SOUND, ["Authorization", "x"]], 400],
    ["a name with a blank behind", [...SOUND, ["cookie\t", "x"]], 400],
    ["a value with a line end", [...SOUND, ["a", "b\r\nc: d"]], 400],
    ["a value with NUL", [...SOUND, ["a", "b\0"]], 400],
    ["a value with a blank first", [...SOUND, ["a", " b"]], 400],
    ["connection", [...SOUND, ["connection", "close"]], 400],
    ["transfer-encoding", [...SOUND, ["transfer-encoding", "chunked"]], 400],
    ["its underscore form", [...SOUND, ["transfer_encoding", "chunked"]], 400],
    ["upgrade", [...SOUND, ["upgrade", "h2c"]], 400],
    ["te other than trailers", [...SOUND, ["te", "gzip"]], 400],
    ["two lengths", [...SOUND, ["content-length", "1"], ["content-length", "1"]], 400],
    ["a length without its body", [...SOUND, ["content-length", "1"]], 400],
    ["a length that is none", [...SOUND, ["content-length", "+1"]], 400],
    ["another expectation", [...SOUND, ["expect", "x"]], 417],
  ])("%s", (_, pairs, status) => {
    expect(gate(pairs)).toMatchObject({ kind: "refused", status });
  });
});
