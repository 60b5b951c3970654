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
