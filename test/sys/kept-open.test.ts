import { expect, test } from "vitest";
import { keepOpen } from "../../src/sys/kept-open.ts";

function createKept() {
  const log: string[] = [];
  let serial = 0;
  const kept = keepOpen(() => {
    const name = `socket ${++serial}`;
    log.push(`open ${name}`);
    return { name, close: () => void log.push(`close ${name}`) };
  });
  return { kept, log };
}

test("it is opened once, at its first use, and closed at the end", async () => {
  const { kept, log } = createKept();
  expect(log).toEqual([]);
  expect(kept.useAtOnce(({ name }) => name)).toBe("socket 1");
  expect(await kept.use(async ({ name }) => name)).toBe("socket 1");
  kept.close();
  kept.close();
  expect(log).toEqual(["open socket 1", "close socket 1"]);
});

test("a use that failed closes it, and the next one has another", async () => {
  const { kept, log } = createKept();
  const failure = new Error("no answer");
  await expect(kept.use(() => Promise.reject(failure))).rejects.toBe(failure);
  expect(() =>
    kept.useAtOnce(() => {
      throw failure;
    }),
  ).toThrow(failure);
  expect(kept.useAtOnce(({ name }) => name)).toBe("socket 3");
  expect(log).toEqual([
    "open socket 1",
    "close socket 1",
    "open socket 2",
    "close socket 2",
    "open socket 3",
  ]);
});

test("what cannot be opened is tried again at the next use", async () => {
  let isThere = false;
  const kept = keepOpen(() => {
    if (!isThere) throw new Error("no such socket");
    return { close: () => undefined };
  });
  await expect(kept.use(async () => 1)).rejects.toThrow("no such socket");
  isThere = true;
  expect(await kept.use(async () => 1)).toBe(1);
});
