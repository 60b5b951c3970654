import { expect, test } from "vitest";
import { openEventSocket } from "../../../src/netfilter/io/event-socket.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../../src/sys/netlink-socket.ts";
import { closeSocket, setOption } from "../../../src/sys/socket.ts";

const NETLINK_ROUTE = 0;
/** RTMGRP_LINK, group 1. */
const LINK_EVENTS = 1;
const SOL_NETLINK = 270;
const NETLINK_DROP_MEMBERSHIP = 2;
const open = (): NetlinkSocket => openNetlinkSocket(NETLINK_ROUTE, { bufferOctets: 4096 });

test("one whose descriptor is closed is opened anew, and what came meanwhile counts as lost", () => {
  const told: boolean[] = [];
  const events = openEventSocket(open, (hasFailed) => told.push(hasFailed));
  expect(events.fault()).toBeUndefined();
  const first = events.current();
  closeSocket(first.fd);
  expect(() => first.receive()).toThrow("EBADF");
  expect(events.fault()).toBe("its descriptor is closed");
  expect(told).toEqual([true]);
  expect(events.current()).not.toBe(first);
  expect(events.current().receive()).toBeUndefined();
  expect(events.fault()).toBeUndefined();
  events.close();
});

test("one that was taken out of its group is opened anew, and what came meanwhile counts as lost", () => {
  const told: boolean[] = [];
  const events = openEventSocket(
    () => openNetlinkSocket(NETLINK_ROUTE, { bufferOctets: 4096, groups: LINK_EVENTS }),
    (hasFailed) => told.push(hasFailed),
  );
  expect(events.fault()).toBeUndefined();
  const first = events.current();
  // As another holder of the descriptor would.
  setOption(first.fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, 1);
  expect(events.fault()).toBe("it no longer gets the events of its group");
  expect(told).toEqual([true]);
  expect(events.current()).not.toBe(first);
  expect(events.fault()).toBeUndefined();
  events.close();
});

test("one that joins and leaves a group by itself has lost none", () => {
  const events = openEventSocket(open, () => undefined);
  events.current().join(5);
  expect(events.fault()).toBeUndefined();
  events.current().leave(5);
  expect(events.fault()).toBeUndefined();
  events.close();
});

test("while no other can be had, that is thrown, and the next look tries it again", () => {
  let isRefused = false;
  const openUnlessRefused = (): NetlinkSocket => {
    if (isRefused) throw new Error("no descriptors");
    return open();
  };
  const events = openEventSocket(openUnlessRefused, () => undefined);
  closeSocket(events.current().fd);
  isRefused = true;
  expect(events.fault).toThrow("no descriptors");
  expect(events.current).toThrow("EBADF");
  isRefused = false;
  expect(events.fault()).toBe("there is no socket");
  expect(events.fault()).toBeUndefined();
  events.close();
});
