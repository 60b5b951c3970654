import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type OtlpPushOptions, startOtlpPush } from "../../src/metrics/otlp/push.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createBench(answer: (call: number) => Promise<number>, intervalMs = 60_000) {
  const seen: string[] = [];
  const bodies: Buffer[] = [];
  const options: OtlpPushOptions = {
    read: async () => [],
    temporality: "cumulative",
    origin: { resource: {}, scope: { name: "test", version: "1" }, shared: {} },
    intervalMs,
    post(body) {
      bodies.push(body);
      return answer(bodies.length);
    },
    onFailure: (reason) => seen.push(`failed: ${String(reason)}`),
    onRecovery: () => seen.push("works again"),
  };
  return { push: startOtlpPush(options), bodies, seen };
}

test("a request goes out each interval, and a last one at the end", async () => {
  const { push, bodies, seen } = createBench(async () => 200);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(bodies).toHaveLength(2);
  await push.close(1000);
  expect(bodies).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(bodies).toHaveLength(3);
  expect(seen).toEqual([]);
});

test("a row of failures is told once, and so is its end", async () => {
  const { push, seen } = createBench(async (call) => {
    if (call === 1) throw new Error("refused");
    return call === 4 ? 200 : 503;
  }, 1000);
  await vi.advanceTimersByTimeAsync(4500);
  expect(seen).toEqual(["failed: Error: refused", "works again"]);
  await push.close(10);
});

test("while one request is under way no other one begins, and the end waits no longer than its limit", async () => {
  const never = Promise.withResolvers<number>();
  const { push, bodies } = createBench(() => never.promise, 1000);
  await vi.advanceTimersByTimeAsync(5000);
  expect(bodies).toHaveLength(1);
  const closing = push.close(1000);
  await vi.advanceTimersByTimeAsync(1000);
  await closing;
  expect(bodies).toHaveLength(1);
});

test("with delta a request holds what was added since the last one that was taken, lost ones included", async () => {
  let count = 0;
  const bodies: Buffer[] = [];
  const push = startOtlpPush({
    read: async () => {
      count += 5;
      return [
        { name: "a", description: "", unit: "", kind: "counter", whole: true, points: [{ value: count }] },
      ];
    },
    temporality: "delta",
    origin: { resource: {}, scope: { name: "test", version: "1" }, shared: {} },
    intervalMs: 1000,
    post: async (body) => (bodies.push(body) === 2 ? 503 : 200),
    onFailure: () => undefined,
    onRecovery: () => undefined,
  });
  await vi.advanceTimersByTimeAsync(3500);
  expect(bodies.map((body) => pointIn(body).value)).toEqual([5n, 5n, 10n]);
  expect(pointIn(bodies[2]).start - pointIn(bodies[0]).start).toBe(1_000_000_000n);
  await push.close(10);
});

/** The one point of a request ends with its times and its value, each a tag and eight octets. */
function pointIn(body: Buffer | undefined): { readonly start: bigint; readonly value: bigint } {
  const valueAt = body?.lastIndexOf(0x31) ?? -1;
  const read = (at: number): bigint => body?.readBigUInt64LE(at) ?? -1n;
  return { start: read(valueAt - 17), value: read(valueAt + 1) };
}
