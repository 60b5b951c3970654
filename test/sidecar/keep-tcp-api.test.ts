import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ListenError } from "../../src/api/errors.ts";
import { keepOpen, type TcpState } from "../../src/sidecar/keep-tcp-api.ts";
import type { TcpApi } from "../../src/sidecar/tcp-api.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const API: TcpApi = {
  listening: "[::]:61000",
  endsWithProcess: true,
  fault: () => undefined,
  close: async () => undefined,
};

function failing(code: string): Error {
  return new ListenError(":18080", code, "no port is left");
}

test("what lacks a port is tried again until it is open, ever more seldom, and told once", () => {
  const told: TcpState[] = [];
  let tries = 0;
  const kept = keepOpen(
    () => {
      tries += 1;
      if (tries < 12) throw failing("EADDRINUSE");
      return API;
    },
    (state) => told.push(state),
  );
  expect(kept.state()).toEqual({ isOpen: false, reason: "the API cannot listen on :18080: no port is left" });
  vi.advanceTimersByTime(60_000);
  expect(tries).toBe(12);
  expect(told.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  expect(kept.state()).toMatchObject({ isOpen: true, listening: "[::]:61000" });
});

test.each(["EPERM", "EADDRNOTAVAIL", "EACCES"])("%s ends the start", (code) => {
  const open = (): TcpApi => {
    throw failing(code);
  };
  expect(() => keepOpen(open, () => undefined)).toThrow("no port is left");
  expect(vi.getTimerCount()).toBe(0);
});

test("closed before it is open, it is tried no more", async () => {
  const open = vi.fn<() => TcpApi>(() => {
    throw failing("EMFILE");
  });
  await keepOpen(open, () => undefined).close(0);
  vi.advanceTimersByTime(60_000);
  expect(open).toHaveBeenCalledTimes(1);
});

test("one that finds its port taken at each look gets others after the fifth, once", () => {
  const told: boolean[] = [];
  const closed: number[] = [];
  let opened = 0;
  const kept = keepOpen(
    () => {
      const number = (opened += 1);
      const reason = number === 1 ? "its port is taken" : undefined;
      return { ...API, fault: () => reason, close: async () => void closed.push(number) };
    },
    ({ isOpen }) => told.push(isOpen),
  );
  const looks = Array.from({ length: 7 }, () => kept.fault());
  expect(looks.filter((reason) => reason !== undefined)).toHaveLength(5);
  expect({ opened, closed, told }).toEqual({ opened: 2, closed: [1], told: [true, false, true] });
});

test("one whose fault goes by itself keeps its ports", () => {
  let looks = 0;
  const open = vi.fn<() => TcpApi>(() => ({
    ...API,
    fault: () => ((looks += 1) % 5 === 0 ? undefined : "its listening socket was ended"),
  }));
  const kept = keepOpen(open, () => undefined);
  for (let n = 0; n < 50; n += 1) kept.fault();
  expect(open).toHaveBeenCalledTimes(1);
});
