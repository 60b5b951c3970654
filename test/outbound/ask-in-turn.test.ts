import { describe, expect, test } from "vitest";
import { askInTurn } from "../../src/outbound/ask-in-turn.ts";
import type { HostAnswer } from "../../src/outbound/host-message.ts";

const DATA: HostAnswer = { addresses: ["192.0.2.1"], ttlSeconds: 60 };
const NO: HostAnswer = { addresses: [], ttlSeconds: 30 };

/** Upstreams that answer when told, and a clock that goes on when told. */
function createBench(count: number) {
  const timers = new Set<{ dueMs: number; run: () => void }>();
  const asked: ((answer: HostAnswer | undefined) => void)[] = [];
  let nowMs = 0;
  const upstreams = Array.from({ length: count }, () => () => {
    const { promise, resolve } = Promise.withResolvers<HostAnswer | undefined>();
    asked.push(resolve);
    return promise;
  });
  const state: { result: HostAnswer | undefined | "open" } = { result: "open" };
  const settled = askInTurn(upstreams, (delayMs, run) => {
    const timer = { dueMs: nowMs + delayMs, run };
    timers.add(timer);
    return () => timers.delete(timer);
  }).then((answer) => (state.result = answer));
  return {
    asked,
    settled,
    state,
    async answer(index: number, answer: HostAnswer | undefined) {
      asked[index]?.(answer);
      await new Promise((resolve) => setImmediate(resolve));
    },
    async pass(ms: number) {
      nowMs += ms;
      for (const timer of [...timers].filter(({ dueMs }) => dueMs <= nowMs)) {
        timers.delete(timer);
        timer.run();
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("the first upstream's answer holds, with addresses or without, and nobody else is asked", async () => {
  for (const answer of [DATA, NO]) {
    const bench = createBench(2);
    await bench.answer(0, answer);
    expect(bench.state.result).toBe(answer);
    expect(bench.asked).toHaveLength(1);
  }
});

test("the next one is asked at once when one fails, and after 800 ms of silence", async () => {
  const bench = createBench(3);
  await bench.answer(0, undefined);
  expect(bench.asked).toHaveLength(2);
  await bench.pass(799);
  expect(bench.asked).toHaveLength(2);
  await bench.pass(1);
  expect(bench.asked).toHaveLength(3);
});

async function createHedged() {
  const bench = createBench(3);
  await bench.pass(800);
  await bench.answer(1, NO);
  expect(bench.state.result).toBe("open");
  return bench;
}

describe("an answer without addresses of a later upstream", () => {
  test("gives way to addresses of the earlier one", async () => {
    const bench = await createHedged();
    await bench.answer(0, DATA);
    expect(bench.state.result).toBe(DATA);
  });

  test("holds when the earlier one fails", async () => {
    const bench = await createHedged();
    await bench.answer(0, undefined);
    expect(bench.state.result).toBe(NO);
    expect(bench.asked).toHaveLength(2);
  });

  test("holds when the earlier one has been silent for 1.5 s more", async () => {
    const bench = await createHedged();
    await bench.pass(1499);
    expect(bench.state.result).toBe("open");
    await bench.pass(1);
    expect(bench.state.result).toBe(NO);
  });
});

test("when all fail there is no answer; nor without upstreams", async () => {
  const bench = createBench(2);
  await bench.answer(0, undefined);
  await bench.answer(1, undefined);
  expect(await bench.settled).toBeUndefined();
  expect(await createBench(0).settled).toBeUndefined();
});
