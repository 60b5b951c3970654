import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDenyWebhook } from "../../src/audit/deny-webhook.ts";
import { WAIT_MS } from "../support/limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Answer = number | "no answer" | "never";

/** `posts` are what arrived and when, in milliseconds from the start. */
function createBench(answers: (call: number) => Answer, sandboxId: string | undefined = "sbx-1") {
  const posts: { atMs: number; body: Record<string, unknown> }[] = [];
  const said: string[] = [];
  const startMs = Date.now();
  const webhook = createDenyWebhook({
    sandboxId,
    async post(body, signal) {
      posts.push({ atMs: Date.now() - startMs, body: JSON.parse(body) });
      const answer = answers(posts.length);
      if (answer === "no answer") throw new Error("connect: ECONNREFUSED");
      if (answer !== "never") return answer;
      const { promise, reject } = Promise.withResolvers<number>();
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      return promise;
    },
    onTrouble: (reason) => said.push(reason),
    onRecovery: () => said.push("works again"),
    now: () => Date.parse("2026-01-02T04:04:05.678+01:00") + Date.now() - startMs,
  });
  return { webhook, posts, said };
}

test("a denial is one POST of these four fields, the time in UTC", async () => {
  const { webhook, posts } = createBench(() => 204);
  webhook.tell("x.example.com");
  await vi.advanceTimersByTimeAsync(0);
  expect(posts.map(({ body }) => body)).toEqual([
    {
      hostname: "x.example.com",
      timestamp: "2026-01-02T03:04:05Z",
      source: "opensandbox-egress",
      sandboxId: "sbx-1",
    },
  ]);
  expect(Object.keys(posts[0]?.body ?? {})).toEqual(["hostname", "timestamp", "source", "sandboxId"]);
  expect(webhook.figures()).toEqual({ delivered: 1, failed: 0, dropped: 0, waiting: 0 });
});

test("the time is that of the denial, however long it waits", async () => {
  const { webhook, posts } = createBench((call) => (call < 4 ? 503 : 204));
  webhook.tell("x.example.com");
  webhook.tell("y.example.com");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(posts.slice(-2).map(({ atMs, body }) => [atMs, body["hostname"], body["timestamp"]])).toEqual([
    [7000, "x.example.com", "2026-01-02T03:04:05Z"],
    [7000, "y.example.com", "2026-01-02T03:04:05Z"],
  ]);
});

test("without a sandbox id the field is there and empty", async () => {
  const { webhook, posts } = createBench(() => 204, "");
  webhook.tell("x.example.com");
  await vi.advanceTimersByTimeAsync(0);
  expect(posts[0]?.body).toMatchObject({ sandboxId: "" });
});

test.each([500, 503, "no answer"] as const)(
  "%s is tried again after 1, 2 and 4 s, and then given up",
  async (answer) => {
    const { webhook, posts, said } = createBench(() => answer);
    webhook.tell("x.example.com");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(posts.map(({ atMs }) => atMs)).toEqual([0, 1000, 3000, 7000]);
    expect(webhook.figures()).toEqual({ delivered: 0, failed: 1, dropped: 0, waiting: 0 });
    expect(said).toHaveLength(1);
  },
);

test.each([301, 400, 404, 429])("status %i is final", async (status) => {
  const { webhook, posts } = createBench(() => status);
  webhook.tell("x.example.com");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(posts).toHaveLength(1);
  expect(webhook.figures().failed).toBe(1);
});

test("a try that gets no answer ends after five seconds", async () => {
  // Fake timers have no hold of AbortSignal.timeout.
  vi.useRealTimers();
  const { webhook, posts } = createBench((call) => (call === 1 ? "never" : 200));
  const keepAlive = setInterval(() => undefined, 100);
  webhook.tell("x.example.com");
  await vi.waitFor(() => expect(posts).toHaveLength(2), { timeout: WAIT_MS, interval: 20 });
  clearInterval(keepAlive);
  expect(posts[1]?.atMs).toBeGreaterThan(5900);
});

test("denials arrive one after the other in their order, and the next goes on after one that failed", async () => {
  const { webhook, posts, said } = createBench((call) => (call === 1 ? 400 : 200));
  for (const host of ["a.example", "b.example", "c.example"]) webhook.tell(host);
  await vi.advanceTimersByTimeAsync(100);
  expect(posts.map(({ body }) => body["hostname"])).toEqual(["a.example", "b.example", "c.example"]);
  expect(said).toEqual(["the webhook answers with status 400", "works again"]);
});

test("256 wait; then the oldest goes for each that comes, and is counted", async () => {
  const { webhook, posts } = createBench((call) => (call === 1 ? "never" : 200));
  webhook.tell("first.example");
  await vi.advanceTimersByTimeAsync(0);
  for (let i = 0; i < 300; i++) webhook.tell(`${i}.example`);
  expect(webhook.figures()).toEqual({ delivered: 0, failed: 0, dropped: 44, waiting: 256 });
  expect(posts).toHaveLength(1);
  const closing = webhook.close(100);
  await vi.advanceTimersByTimeAsync(100);
  await closing;
  expect(webhook.figures()).toEqual({ delivered: 0, failed: 1, dropped: 300, waiting: 0 });
});

test("the end waits for what is on its way, and takes nothing more", async () => {
  const { webhook, posts } = createBench((call) => (call === 1 ? 503 : 200));
  webhook.tell("a.example");
  const closing = webhook.close(2000);
  webhook.tell("late.example");
  await vi.advanceTimersByTimeAsync(1000);
  await closing;
  expect(posts).toHaveLength(2);
  expect(webhook.figures()).toEqual({ delivered: 1, failed: 0, dropped: 1, waiting: 0 });
});
