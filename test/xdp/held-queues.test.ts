import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasXdpSockets } from "../../src/sys/xdp-socket.ts";
import { createHeldQueues } from "../../src/xdp/held-queues.ts";
import { createFakeKernel, type FakeKernel } from "./fake-kernel.ts";

const kernelWith = (...links: readonly [number, number][]): FakeKernel => createFakeKernel(new Map(links));

test("every queue of every interface is held, and one holder for each interface keeps them", () => {
  const kernel = kernelWith([2, 1], [3, 8]);
  expect(createHeldQueues(kernel.ports()).look()).toEqual({ state: "on" });
  expect(kernel.free()).toEqual([]);
  expect(kernel.aliveHolders().map(({ queues }) => queues.length)).toEqual([1, 8]);
});

test("a second look changes nothing", () => {
  const kernel = kernelWith([2, 2]);
  const queues = createHeldQueues(kernel.ports());
  queues.look();
  expect(queues.look()).toEqual({ state: "on" });
  expect(kernel.holders).toHaveLength(1);
});

test("the process that comes after a killed one finds all held, and starts no second holder", () => {
  const kernel = kernelWith([2, 2]);
  createHeldQueues(kernel.ports()).look();
  kernel.killUs();
  expect(kernel.free()).toEqual([]);
  expect(createHeldQueues(kernel.ports()).look()).toEqual({ state: "on" });
  expect(kernel.holders).toHaveLength(1);
});

test("if no holder can be had, the queues are held, and the protection is off until one can", () => {
  const kernel = kernelWith([2, 1], [3, 1]);
  kernel.startsHolders = "in vain";
  const queues = createHeldQueues(kernel.ports());
  expect(queues.look()).toEqual({ state: "off", reason: "no file" });
  expect(kernel.free()).toEqual([]);
  kernel.startsHolders = "yes";
  expect(queues.look()).toEqual({ state: "on" });
  kernel.killUs();
  expect(kernel.free()).toEqual([]);
});

test("a process that is not started again holds by itself, as long as it lives", () => {
  const kernel = kernelWith([2, 1]);
  kernel.startsHolders = "not wanted";
  expect(createHeldQueues(kernel.ports()).look()).toEqual({ state: "on" });
  expect(kernel.free()).toEqual([]);
  kernel.killUs();
  expect(kernel.free()).toEqual(["2 0"]);
});

test("a stranger's queue is told, the others are held, and it is too once it is free", () => {
  const kernel = kernelWith([2, 3]);
  kernel.strangers.add("2 1");
  const queues = createHeldQueues(kernel.ports());
  expect(queues.look()).toEqual({
    state: "off",
    reason: "another process holds queue 1 of interface eth2, and sends past the rules until it ends",
  });
  expect(kernel.free()).toEqual([]);
  kernel.strangers.clear();
  expect(queues.look()).toEqual({ state: "on" });
  expect(kernel.free()).toEqual([]);
});

test("an interface that comes later is set down if a stranger was quicker to take its queue", () => {
  const kernel = kernelWith([2, 1]);
  const queues = createHeldQueues(kernel.ports());
  queues.look();
  kernel.links.set(3, 1);
  kernel.strangers.add("3 0");
  const { state, reason } = { reason: "", ...queues.look() };
  expect([state, [...kernel.down]]).toEqual(["off", [3]]);
  expect(reason).toMatch(/queue 0 of interface eth3, so that the interface was set down/);
  kernel.strangers.clear();
  expect(queues.look()).toEqual({ state: "on" });
});

test("one that was there before is not set down", () => {
  const kernel = kernelWith([2, 1]);
  kernel.strangers.add("2 0");
  expect(createHeldQueues(kernel.ports()).look()).toMatchObject({ state: "off" });
  expect(kernel.down.size).toBe(0);
});

test("whoever is where a dead holder was is a stranger", () => {
  const kernel = kernelWith([2, 1]);
  createHeldQueues(kernel.ports()).look();
  kernel.killUs();
  const ports = kernel.ports();
  for (const holder of kernel.holders) holder.end();
  kernel.strangers.add("2 0");
  expect(createHeldQueues(ports).look()).toMatchObject({ state: "off" });
});

describe("what the kernel refuses is told, with what it may mean", () => {
  test.each([
    ["EPERM", /socket EPERM, for want of CAP_NET_RAW or by a seccomp profile/],
    ["ENOBUFS", /locked memory/],
    ["EMFILE", /socket EMFILE$/],
  ])("%s", (code, reason) => {
    const kernel = kernelWith([2, 1]);
    kernel.refusal = code;
    const state = createHeldQueues(kernel.ports()).look();
    expect(state).toMatchObject({ state: "off", reason: expect.stringMatching(reason) });
  });

  test("but not where the kernel has no AF_XDP at all", () => {
    const kernel = kernelWith([2, 1]);
    kernel.refusal = "EAFNOSUPPORT";
    kernel.hasXdp = false;
    expect(createHeldQueues(kernel.ports()).look()).toEqual({ state: "on" });
  });
});

test("the kernel's list of protocols says whether it has AF_XDP", () => {
  const line = "XDP        2104      0      -1   NI       0   yes  kernel      n  n  n  n\n";
  expect(hasXdpSockets(() => `protocol  size sockets\n${line}`)).toBe(true);
  expect(hasXdpSockets(() => "")).toBe(true);
  expect(hasXdpSockets(() => "protocol  size sockets\nUNIX-STREAM 1024 5\nXDPX 1 2\n")).toBe(false);
});

const index = fc.integer({ min: 1, max: 3 });
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), index, queues: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("remove" as const), index }),
  fc.record({ kind: fc.constant("end a holder" as const), at: fc.nat(5) }),
  fc.record({ kind: fc.constant("restart" as const) }),
);

test("after each look all is held, and stays so when the process is killed, whatever came, went or ended", () => {
  const run = (steps: readonly (typeof anyStep extends fc.Arbitrary<infer T> ? T : never)[]): void => {
    const kernel = kernelWith([1, 2]);
    let queues = createHeldQueues(kernel.ports());
    for (const step of steps) {
      if (step.kind === "remove" || step.kind === "add") kernel.removeLink(step.index);
      // Under the number that it had, before anybody has looked.
      if (step.kind === "add") kernel.links.set(step.index, step.queues);
      if (step.kind === "end a holder") kernel.aliveHolders()[step.at]?.end();
      if (step.kind === "restart") {
        kernel.killUs();
        queues = createHeldQueues(kernel.ports());
      }
      expect(queues.look()).toEqual({ state: "on" });
      expect(kernel.free()).toEqual([]);
    }
    queues.look();
    kernel.killUs();
    expect(kernel.free()).toEqual([]);
    expect(kernel.aliveHolders()).toHaveLength(kernel.links.size);
  };
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 20 }), run));
});
