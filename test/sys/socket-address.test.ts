import { describe, expect, test } from "vitest";
import { readOwnPorts } from "../../src/sys/local-ports.ts";
import { createRegion } from "../../src/sys/region.ts";
import {
  AF_INET,
  AF_INET6,
  addressFamily,
  encodeSocketAddress,
  readPort,
} from "../../src/sys/socket-address.ts";
import { errnoName, SystemCallError } from "../../src/sys/errors.ts";

describe("a socket address as the kernel reads it", () => {
  test.each([
    // sockaddr_in: AF_INET, port 53, 192.0.2.1
    ["192.0.2.1", 53, "0200 0035 c0000201 0000000000000000"],
    // sockaddr_in6: AF_INET6, port 15353, no flow, 2001:db8::1, no scope
    ["2001:db8::1", 15_353, "0a00 3bf9 00000000 20010db8000000000000000000000001 00000000"],
    // the scope is an interface: by its number, or by its name, which for lo is 1
    ["fe80::1%7", 53, "0a00 0035 00000000 fe800000000000000000000000000001 07000000"],
    ["fe80::1%lo", 53, "0a00 0035 00000000 fe800000000000000000000000000001 01000000"],
  ])("%s port %i", (address, port, wanted) => {
    const octets = encodeSocketAddress({ address, port });
    expect(Buffer.from(octets).toString("hex")).toBe(wanted.replaceAll(" ", ""));
    expect(readPort(octets, 0)).toBe(port);
    expect(addressFamily(address)).toBe(octets.length === 16 ? AF_INET : AF_INET6);
  });
});

test("an interface that is not there is a system call that fails, by its name", () => {
  expect(() => encodeSocketAddress({ address: "fe80::1%gone0", port: 53 })).toThrow(SystemCallError);
  expect(() => encodeSocketAddress({ address: "fe80::1%gone0", port: 53 })).toThrow("gone0");
});

describe("ports of our own are those outside the kernel's range", () => {
  test.each<[string, readonly number[]]>([
    ["32768\t60999\n", [1024, 32_767, 61_000, 65_535]],
    ["1024 65000", [65_001, 65_535]],
    ["1026 65535", [1024, 1025]],
  ])("%j", (range, edges) => {
    const { count, port } = readOwnPorts(() => range);
    const all = Array.from({ length: count }, (_, index) => port(index));
    const [low = 0, high = 0] = range.split(/\s+/).map(Number);
    expect(all.filter((each) => each >= low && each <= high)).toEqual([]);
    expect(new Set(all).size).toBe(count);
    expect(all).toEqual(expect.arrayContaining([...edges]));
  });
  test("none where it covers all", () => {
    expect(readOwnPorts(() => "1024 65535").count).toBe(0);
  });
});

test("a region hands out what it has, in multiples of 8, and no more", () => {
  const region = createRegion(16, 24);
  expect([region.take(1), region.take(8)]).toEqual([16, 24]);
  expect(() => region.take(9)).toThrow(RangeError);
});

test("a failed system call says which, why and on what", () => {
  expect(new SystemCallError("bind", 98, "127.0.0.1 port 53")).toMatchObject({
    message: "bind: EADDRINUSE (127.0.0.1 port 53)",
    syscall: "bind",
    errno: 98,
    code: "EADDRINUSE",
  });
  expect(errnoName(999)).toBe("ERRNO_999");
});
