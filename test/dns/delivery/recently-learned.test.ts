import { describe, expect, test } from "vitest";
import { createRecentlyLearned } from "../../../src/dns/delivery/recently-learned.ts";
import { at, createFakeNetwork } from "../support/fake-network.ts";
import { good, NAME, rcodes } from "../support/replies.ts";

/** Learns that the kernel was asked for, with an epoch and a will that the test changes. */
function network() {
  const kernel = { epoch: 0, isWilling: true, learned: 0 };
  const net = createFakeNetwork({
    admission: {
      learn: () => void (kernel.learned += 1),
      commit: () => kernel.isWilling,
      epoch: () => kernel.epoch,
    },
  });
  net.ask({ name: NAME });
  net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
  kernel.learned = 0;
  return { net, kernel };
}

describe("that an answer's addresses are learned", () => {
  test("is known for a second, and under the epoch of then alone", () => {
    const recently = createRecentlyLearned();
    expect(recently.find(1, 0, 5000)).toBe(false);
    recently.note(1, 7, 5000);
    expect(recently.find(1, 7, 5999)).toBe(true);
    expect(recently.find(1, 8, 5999)).toBe(false);
    expect(recently.find(1, 7, 6000)).toBe(false);
    expect(recently.find(2, 7, 5999)).toBe(false);
  });

  test("is not noted for an answer that the cache does not keep", () => {
    const recently = createRecentlyLearned();
    recently.note(0, 7, 5000);
    expect(recently.find(0, 7, 5000)).toBe(false);
  });

  test("is taken back for that answer alone", () => {
    const recently = createRecentlyLearned();
    recently.note(1, 0, 0);
    recently.note(2, 0, 0);
    recently.forget(1);
    recently.forget(2 + 8192);
    expect([1, 2].map((serial) => recently.find(serial, 0, 1))).toEqual([false, true]);
  });

  test("is forgotten at worst, never taken from one answer for another", () => {
    const recently = createRecentlyLearned();
    for (const serial of [1, 1 + 8192]) recently.note(serial, 0, 0);
    expect([1, 1 + 8192].map((serial) => recently.find(serial, 0, 1))).toEqual([false, true]);
  });
});

describe("a cached answer's addresses", () => {
  test("are learned once a second, however often it is given out", () => {
    const { net, kernel } = network();
    for (let i = 0; i < 5; i++) net.ask({ name: NAME });
    expect(kernel.learned).toBe(1);
    net.advance(1000);
    net.ask({ name: NAME });
    expect(kernel.learned).toBe(2);
  });

  test("are learned once for all that ask in one pass, and nothing is taken for learned if the kernel refuses", () => {
    const { net, kernel } = network();
    const twice = [{ name: NAME }, { name: NAME }];
    expect(rcodes(net.askTogether(twice).answers)).toEqual(["NOERROR", "NOERROR"]);
    expect(kernel.learned).toBe(1);
    net.advance(1000);
    kernel.isWilling = false;
    expect(rcodes(net.askTogether(twice).answers)).toEqual(["SERVFAIL", "SERVFAIL"]);
    kernel.isWilling = true;
    kernel.learned = 0;
    expect(rcodes(net.askTogether(twice).answers)).toEqual(["NOERROR", "NOERROR"]);
    expect(kernel.learned).toBe(1);
  });

  test("are learned at once when an address may have gone", () => {
    const { net, kernel } = network();
    net.ask({ name: NAME });
    kernel.epoch += 1;
    net.ask({ name: NAME });
    expect(kernel.learned).toBe(2);
  });

  test("count as learned only if the kernel took them", () => {
    const { net, kernel } = network();
    kernel.isWilling = false;
    expect(rcodes(net.ask({ name: NAME }).answers)).toEqual(["SERVFAIL"]);
    expect(rcodes(net.ask({ name: NAME }).answers)).toEqual(["SERVFAIL"]);
    kernel.isWilling = true;
    kernel.learned = 0;
    expect(rcodes(net.ask({ name: NAME }).answers)).toEqual(["NOERROR"]);
    expect(kernel.learned).toBe(1);
  });
});
