import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createNetlinkWriter } from "../../src/netlink/writer.ts";
import { getConntrack, readFlow } from "../../src/netfilter/wire/conntrack.ts";
import {
  encodeSocketDestroy,
  encodeSocketDump,
  readSocket,
  SOCKET_KINDS,
} from "../../src/netlink/socket-diag.ts";

const octets = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const ID_V4 =
  "c350 1f90 c0000202 000000000000000000000000 c6336401 000000000000000000000000 00000000 0100000002000000";
const ID_MAPPED =
  "c350 1f90 00000000000000000000ffffc0000202 00000000000000000000ffffc6336401 00000000 0100000002000000";

test("the dump that `ss -tnH -4` asks for, of sockets with a far end", () => {
  const [tcp] = SOCKET_KINDS;
  if (tcp === undefined) throw new Error("no kind");
  expect(encodeSocketDump(tcp, 7)).toEqual(
    Buffer.concat([octets("48000000 1400 0103 07000000 00000000 02 06 00 00 360b0000"), Buffer.alloc(48)]),
  );
});

test("`ss -K` of one socket names it whole", () => {
  const [, , udp] = SOCKET_KINDS;
  if (udp === undefined) throw new Error("no kind");
  expect(encodeSocketDestroy(udp, 1, octets(ID_V4))).toEqual(
    octets(`48000000 1500 0500 01000000 00000000 02 11 00 00 00000000 ${ID_V4}`),
  );
});

test.each([
  ["02", ID_V4],
  ["0a", ID_MAPPED],
])("a socket of family %s that speaks IPv4 is read with IPv4 addresses", (family, id) => {
  expect(readSocket(octets(`${family} 01 00 00 ${id} ${"00".repeat(20)} 0800 0f00 4d3c2b1a`))).toEqual({
    local: octets("c0000202"),
    remote: octets("c6336401"),
    localPort: 50_000,
    remotePort: 8080,
    mark: 0x1a2b3c4d,
    id: octets(id),
  });
});

test("`conntrack -G` asks with the tuple that a socket sees", () => {
  const writer = createNetlinkWriter();
  getConntrack(writer, 3, {
    source: octets("c0000202"),
    destination: octets("c6336401"),
    sourcePort: 50_000,
    destinationPort: 8080,
    protocol: 6,
  });
  const ip = "1400 0180 0800 0100 c0000202 0800 0200 c6336401";
  const proto = "1c00 0280 0500 0100 06 000000 0600 0200 c350 0000 0600 0300 1f90 0000";
  expect(writer.written()).toEqual(
    octets(`48000000 0101 0100 03000000 00000000 02 00 0000 3400 0180 ${ip} ${proto}`),
  );
});

const tuple = (type: string, source: string, destination: string): string =>
  `1800 ${type} 1400 0180 0800 0100 ${source} 0800 0200 ${destination}`;

test("a flow is read with who opened it, who answers, and its mark", () => {
  const payload = octets(
    `02000000 ${tuple("0180", "c0000202", "c6336401")} ${tuple("0280", "7f000001", "c0000202")} 0800 0800 0000002a`,
  );
  expect(readFlow(payload)).toEqual({ opener: octets("c0000202"), answerer: octets("7f000001"), mark: 42 });
});

test("random octets never throw", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
    readSocket(Buffer.from(random));
    readFlow(Buffer.from(random));
  });
  expect(() => fc.assert(property)).not.toThrow();
});
