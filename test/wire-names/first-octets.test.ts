import { Duplex } from "node:stream";
import { connect, TLSSocket } from "node:tls";
import { array, constantFrom, integer, nat, oneof, record, sample } from "fast-check";
import { describe, expect, test } from "vitest";
import { readFirstOctets } from "../../src/wire-names/first-octets.ts";
import { readSeeds } from "../fuzz/engine/seeds.ts";
import { endOf, findFault } from "../fuzz/targets/first-octets.ts";
import { helloFor, inRecords, makeHello, serverName } from "./make-hello.ts";

const NAME = "api.example.org";
const SEEDS = new Map(
  readSeeds("first-octets").map(({ file, octets }) => [file.replace(/^.*\//, ""), octets]),
);
const read = (text: string): unknown => readFirstOctets(Buffer.from(text, "latin1"));
const refused = (reason: string): unknown => ({ kind: "refused", reason: expect.stringContaining(reason) });

/** What Node's client says first. */
async function writtenByNode(servername: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({ read: () => undefined, write: (chunk: Buffer) => resolve(chunk) });
    connect({ servername, socket });
  });
}

describe("hellos of real clients", () => {
  test.each([
    ["openssl.hex", NAME],
    ["openssl-tls-1.2.hex", NAME],
    ["openssl-no-name.hex", undefined],
    ["python.hex", NAME],
    ["curl.hex", NAME],
    ["go.hex", NAME],
    ["node-post-quantum.hex", NAME],
  ])("%s", (file, name) => {
    const hello = SEEDS.get(file) ?? Buffer.alloc(0);
    expect(readFirstOctets(hello)).toEqual({ kind: "tls", name, end: hello.length });
  });

  test("one of this Node, which has a post-quantum key share and is longer than a segment", async () => {
    const hello = await writtenByNode(NAME);
    expect(hello.length).toBeGreaterThan(1500);
    expect(readFirstOctets(hello)).toEqual({ kind: "tls", name: NAME, end: hello.length });
  });

  test("OpenSSL's server takes the same name out of each of them", async () => {
    for (const [file, hello] of SEEDS) {
      const shown = readFirstOctets(hello);
      if (shown.kind !== "tls" || shown.name === undefined) continue;
      expect([file, await nameForServer(hello)]).toEqual([file, shown.name]);
    }
  });
});

async function nameForServer(hello: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const server = new TLSSocket(socket, { isServer: true, SNICallback: (name) => resolve(name) });
    server.on("error", reject);
    socket.push(hello);
  });
}

describe("a ClientHello", () => {
  const hello = helloFor(NAME);
  const late = inRecords(makeHello({ serverNames: [serverName(NAME)], ahead: 4000, behind: 200 }), 300);

  test.each([
    ["whole", hello],
    ["in records of one octet", inRecords(makeHello({ serverNames: [serverName(NAME)] }), 1)],
    ["with its name behind 4,000 octets, over many records", late],
  ])("%s shows its name with its last octet and not before", (_, octets) => {
    for (let length = 0; length < octets.length; length++)
      expect(readFirstOctets(octets.subarray(0, length)).kind).toBe("incomplete");
    expect(readFirstOctets(octets)).toEqual({ kind: "tls", name: NAME, end: octets.length });
  });

  test("shows its name early, where that has come", () => {
    const octets = inRecords(makeHello({ serverNames: [serverName(NAME)], behind: 4000 }));
    expect(readFirstOctets(octets.subarray(0, 200))).toEqual({ kind: "incomplete", name: NAME });
  });

  test("without extensions is not whole before its last octet", () => {
    const random = "5a".repeat(32);
    const stream = inRecords(
      Buffer.from(`01000029 0303 ${random} 00 00021301 0100`.replaceAll(" ", ""), "hex"),
    );
    expect(readFirstOctets(stream.subarray(0, -1)).kind).toBe("incomplete");
    expect(readFirstOctets(stream)).toEqual({ kind: "tls", name: undefined, end: stream.length });
  });

  test("ends where it ends, whatever comes behind", () => {
    const octets = Buffer.concat([hello, Buffer.of(20, 3, 3, 0, 1, 1, 23, 3, 3)]);
    expect(readFirstOctets(octets)).toEqual({ kind: "tls", name: NAME, end: hello.length });
  });

  test.each([
    ["in letters of both cases", serverName("API.Example.ORG"), NAME],
    ["with an underscore", serverName("_a.example.org"), "_a.example.org"],
  ])("whose name is written %s", (_, content, name) => {
    expect(readFirstOctets(inRecords(makeHello({ serverNames: [content] })))).toMatchObject({ name });
  });

  test.each([
    ["two server_name extensions", [serverName(NAME), serverName(NAME)], "two server_name"],
    ["two names in one", [Buffer.concat([serverName(NAME), serverName(NAME)])], "exactly one"],
    ["no name in it", [Buffer.of(0, 0)], "exactly one"],
    ["an empty extension", [Buffer.alloc(0)], "exactly one"],
    ["a name of another type", [serverName(NAME, 1)], "exactly one"],
    ["a trailing dot", [serverName(`${NAME}.`)], "is none"],
    ["a zero octet in its name", [serverName(`${NAME}\0.example.net`)], "is none"],
    ["a blank in its name", [serverName(`${NAME} `)], "is none"],
    ["letters beyond ASCII", [serverName("\u00e4.example.org")], "is none"],
    ["an IPv4 address", [serverName("192.0.2.1")], "an address"],
    ["an IPv6 address", [serverName("2001:db8::1")], "an address"],
    ["an IPv4 address of an odd form", [serverName("192.0x2.1")], "is none"],
    ["an address in one number", [serverName("3221225985")], "is none"],
  ])("with %s is refused", (_, serverNames, reason) => {
    expect(readFirstOctets(inRecords(makeHello({ serverNames })))).toEqual(refused(reason));
  });

  test.each([
    [
      "an alert ahead of it",
      Buffer.concat([Buffer.of(21, 3, 1, 0, 2, 1, 0), hello]),
      "ahead of the ClientHello",
    ],
    [
      "an alert of another version ahead of it",
      Buffer.concat([Buffer.of(21, 1, 0, 0, 2, 1, 0), hello]),
      "ahead of the ClientHello",
    ],
    ["a change of cipher ahead of it", Buffer.concat([Buffer.of(20, 3, 1, 0, 1, 1), hello]), "ahead of the"],
    [
      "an alert between its records",
      Buffer.concat([late.subarray(0, 305), Buffer.of(21, 3)]),
      "ahead of the",
    ],
    [
      "a major version that is none, where servers take any",
      Buffer.concat([Buffer.of(22, 0x83), hello.subarray(2)]),
      "unknown version",
    ],
    ["another major version", Buffer.concat([Buffer.of(22, 4), hello.subarray(2)]), "unknown version"],
    ["an empty record ahead of it", Buffer.concat([Buffer.of(22, 3, 1, 0, 0), hello]), "forbidden length"],
    ["a record longer than may be", Buffer.of(22, 3, 1, 0x40, 1), "forbidden length"],
    [
      "another message in its record",
      inRecords(Buffer.concat([makeHello({}), Buffer.of(1)])),
      "octets behind",
    ],
    ["another kind of message", inRecords(Buffer.of(2, 0, 0, 40)), "no ClientHello"],
    ["a length beyond reason", inRecords(Buffer.of(1, 0, 0x40, 1)), "longer than"],
    ["a form of SSL 2", Buffer.from("802e0100020015000000100100800200800300", "hex"), "SSL 2"],
    ["a form of SSL 2 with a line's end in its length", Buffer.from("810a010301", "hex"), "SSL 2"],
  ])("with %s is refused", (_, octets, reason) => {
    expect(readFirstOctets(octets)).toEqual(refused(reason));
  });

  test("that never ends is refused", () => {
    const octets = inRecords(Buffer.concat([Buffer.of(1, 0, 0x3f, 0xff), Buffer.alloc(9000, 3)]), 1);
    expect(readFirstOctets(octets)).toMatchObject({ kind: "refused" });
  });

  test("behind PostgreSQL's requests for TLS shows its name", () => {
    const request = Buffer.from("0000000804d2162f", "hex");
    const octets = Buffer.concat([Buffer.from("0000000804d21630", "hex"), request, hello]);
    expect(readFirstOctets(octets.subarray(0, 16))).toEqual({ kind: "incomplete", name: undefined });
    expect(readFirstOctets(octets)).toEqual({ kind: "tls", name: NAME, end: octets.length });
    expect(readFirstOctets(Buffer.concat(Array.from({ length: 9 }, () => request)))).toEqual(refused("many"));
  });
});

describe("neither TLS nor HTTP", () => {
  test.each([
    ["SSH", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"],
    ["SMTP", "EHLO example.org\r\n"],
    ["IMAP", "a1 LOGIN user password\r\n"],
    ["memcached", "gets key\r\n"],
    ["memcached's get", "get user-17 user-18\r\n"],
    ["Redis", "*1\r\n$4\r\nPING\r\n"],
    ["PostgreSQL without TLS", "\0\0\0\x27\0\x03\0\0user\0"],
    ["PostgreSQL after a refused request for TLS", "\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x27\0\x03\0\0"],
    ["MQTT", "\x10\x10\0\x04MQTT\x04\x02"],
    ["MySQL's request for TLS", "\x20\0\0\x01\x85\xae\xff\0\0\0\0\x01!"],
    ["Kafka", "\0\0\0\x2a\0\x12\0\x03"],
    ["MySQL's login", "\x8d\0\0\x01\x8d\xa6\xff\x19"],
    ["MySQL's login of the length of a blank", "\xa0\0\0\x01\x8d\xa6\xff\x19"],
    ["MongoDB", "\xf0\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0"],
    ["MongoDB's longer message", "A \0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0"],
    ["AMQP", "AMQP\0\0\x09\x01"],
    ["LDAP's bind", "0\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"],
    ["RPC, as NFS has it", "\x80\0\0\x28\x12\x34\x56\x78"],
    ["Bolt", "\x60\x60\xb0\x17\0\0\x04\x04"],
    ["X11", "l\0\x0b\0\0\0"],
    ["telnet's negotiation", "\xff\xfb\x18\xff\xfb\x1f"],
    ["memcached's binary protocol", "\x80\0\0\x03"],
    ["Thrift", "\x80\x01\0\x01"],
    ["FIX", "8=FIX.4.4\x019=65\x01"],
    ["binary text that goes on like a request", "A\0 / HTTP/1.1\r\nHost: example.org\r\n\r\n"],
    ["syslog with an access log", `<190>1 2026-11-30 web - - - "GET / HTTP/1.1" 200\n`],
    ["the same with its length ahead", `53 <190>1 2026-11-30 web - - - "GET / HTTP/1.1" 200\n`],
    ["a line of an access log", `192.0.2.1 - - [30/Nov/2026] "GET / HTTP/1.1" 200 12\n`],
    ["a log in JSON", `{"version":"1.1","short_message":"GET / HTTP/1.1"}\n`],
    ["Graphite", "web.requests.HTTP/1.1 5 1700000000\n"],
    ["HL7 with a CR between its lines", "\vMSH|^~\\&|a\rOBX|1|HTTP/1.1\r\x1c\r\n"],
    ["binary text without a line's end", `a${"\0".repeat(16_384)}`],
  ])("is %s", (_, text) => {
    expect(read(text)).toEqual({ kind: "other" });
  });

  test.each([
    ["nothing", ""],
    ["half of PostgreSQL's request", "\0\0\0\x08\x04"],
    ["a line that has not ended", "EHLO example.org"],
    ["text with a NUL behind its first word", "0032git-upload-pack /a.git\0host=example.org\0"],
    ["HL7 whose lines end in CR", "\vMSH|^~\\&|a\rOBX|1|HTTP/1.1 2\r"],
    ["an octet that SSL 2 may begin with", "\x81"],
    ["and its length, which looks like a line's end", "\x81\n"],
  ])("is not known yet of %s", (_, text) => {
    expect(read(text)).toEqual({ kind: "incomplete", name: undefined });
  });

  test.each([
    [
      "a length in little-endian order that looks like a record",
      "\x14\x01\0\x01\x85\xa6\xff\x01",
      "ahead of",
    ],
    ["text without a line's end", "A".repeat(16_384), "first line"],
    ["PROXY protocol 1", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY"],
    ["PROXY protocol 2", "\r\n\r\n\0\r\nQUIT\n", "PROXY"],
    ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"],
    ["a request behind an empty line", "\r\nGET / HTTP/1.1\r\n", "blanks"],
    ["a request behind a vertical tab", "\vGET / HTTP/1.1\r\n", "blanks"],
    ["HTTP/0.9", "GET /\r\n", "request line"],
    ["HTTP/0.9 in lower case", "get /\r\n", "request line"],
    ["HTTP/0.9 with a URL", "get http://example.org/\r\n", "request line"],
    ["HTTP/0.9 with an escaped path", "get %2f\r\n", "request line"],
    ["HTTP/0.9 that begins with a query", "get ?a\r\n", "request line"],
    ["a request of memcached's look", "get key HTTP/1.1\r\nHost: example.org\r\n\r\n", "odd form"],
    ["HTTP/0.9 with a vertical tab", "GET\v/\r\n", "control character"],
    ["a method that is no token", "<GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "odd form"],
    ["a method of octets beyond ASCII", "\xe9GET / HTTP/1.1\r\n", "odd form"],
    ["a method of other octets than letters", "192.0.2.1 / http/1.1 x\r\n", "odd form"],
    ["the same with a blank in its target", "1GET /a b HTTP/1.1x\r\n", "odd form"],
    ["the same, split by a vertical tab", "1\v/ HTTP/1.1\r\n", "control character"],
    ["a request with a NUL in its target", "POST /\0 HTTP/1.1\r\n", "control character"],
    ["a request with a NUL behind it", "POST / HTTP/1.1\0\r\n", "control character"],
    ["a line that speaks of HTTP behind a word of letters", "SET a b c_http/2 d\r\n", "odd form"],
    ["a request whose lines end in CR", "1 / HTTP/1.1\rHost: example.org\r", "without CR LF"],
    ["RTSP, which may be HTTP for some", "SETUP rtsp://example.org/ HTTP/1.0 RTSP/1.0\r\n", "request line"],
  ])("is no way for %s", (_, text, reason) => {
    expect(read(text)).toEqual(refused(reason));
  });
});

test("what was shown stays, however the octets that follow are cut", () => {
  const octet = oneof(integer({ min: 0, max: 255 }), constantFrom(3, 10, 13, 20, 22, 32, 47, 72, 128));
  const beginning = constantFrom(...[...SEEDS.values()].flatMap((seed) => [seed, seed.subarray(0, 60)]));
  const streams = record({ head: beginning, tail: array(octet, { maxLength: 40 }), cut: nat() });
  const faults = sample(streams, 3000).flatMap(({ head, tail, cut }) => {
    const stream = Buffer.concat([head, Buffer.from(tail)]);
    const whole = readFirstOctets(stream);
    const fault = findFault(readFirstOctets(stream.subarray(0, cut % (stream.length + 1))), whole);
    return fault === undefined && endOf(whole) <= stream.length
      ? []
      : [{ fault, stream: stream.toString("hex") }];
  });
  expect(faults).toEqual([]);
});
