/** One process opens sockets of each kind in another network namespace, and is back after each. */
import { closeSync, openSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNamespace, type OwnedNamespace } from "../../src/netns/namespace.ts";
import { AF_PACKET, openBareSocket } from "../../src/sys/bare-socket.ts";
import { inNamespace } from "../../src/sys/network-namespace.ts";
import { SOCK_RAW, SOL_SOCKET } from "../../src/sys/socket-constants.ts";
import { AF_INET } from "../../src/sys/socket-address.ts";

const [SOCK_STREAM, SOCK_DGRAM, AF_NETLINK, NETLINK_NETFILTER] = [1, 2, 16, 12];
const SO_NETNS_COOKIE = 71;
const KINDS = [
  { title: "UDP", kind: { domain: AF_INET, type: SOCK_DGRAM } },
  { title: "TCP", kind: { domain: AF_INET, type: SOCK_STREAM } },
  { title: "netlink", kind: { domain: AF_NETLINK, type: SOCK_RAW, protocol: NETLINK_NETFILTER } },
  { title: "packet", kind: { domain: AF_PACKET, type: SOCK_RAW } },
] as const;

let namespace: OwnedNamespace;
let file: number;
beforeAll(async () => {
  namespace = await createNamespace("elsewhere");
  file = openSync(`/run/netns/${namespace.name}`, "r");
});
afterAll(async () => {
  closeSync(file);
  await namespace[Symbol.asyncDispose]();
});

type Kind = (typeof KINDS)[number]["kind"];

/** Which namespace a socket that is opened now belongs to. */
function placeOf(kind: Kind): string {
  using socket = openBareSocket(kind);
  return socket.get(SOL_SOCKET, SO_NETNS_COOKIE, 8).toString("hex");
}

test.each(KINDS)("a $title socket belongs to the namespace that it was opened in", ({ kind }) => {
  const here = placeOf(kind);
  using socket = inNamespace(file, () => openBareSocket(kind));
  const there = socket.get(SOL_SOCKET, SO_NETNS_COOKIE, 8).toString("hex");
  expect(there).not.toBe(here);
  expect(inNamespace(file, () => placeOf(kind))).toBe(there);
  expect(placeOf(kind)).toBe(here);
});

test("a step that throws is back, too", () => {
  const [{ kind }] = KINDS;
  const here = placeOf(kind);
  const fail = (): never => {
    throw new RangeError(placeOf(kind));
  };
  expect(() => inNamespace(file, fail)).toThrow(RangeError);
  expect(placeOf(kind)).toBe(here);
});

test("a file that is no namespace is refused, and the step is not taken", () => {
  const none = openSync("/dev/null", "r");
  let steps = 0;
  expect(() => inNamespace(none, () => steps++)).toThrow("setns");
  closeSync(none);
  expect(steps).toBe(0);
});
