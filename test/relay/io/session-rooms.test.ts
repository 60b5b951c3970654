import { expect, test } from "vitest";
import { createSessionRooms } from "../../../src/relay/io/session-rooms.ts";

const MIB = 1 << 20;

test("the first has a large window, and as many streams as one may have", () => {
  const { windowOctets, maxStreams } = createSessionRooms().take();
  expect([windowOctets, maxStreams]).toEqual([16 * MIB, 256]);
});

test("thousands have a small one each, and together no more than the budget and the smallest", () => {
  const rooms = createSessionRooms();
  const taken = Array.from({ length: 2048 }, () => rooms.take());
  expect(taken.at(-1)).toMatchObject({ windowOctets: 65_535, maxStreams: 32 });
  const windows = taken.reduce((sum, { windowOctets }) => sum + 2 * windowOctets, 0);
  expect(windows).toBeLessThan(256 * MIB + 2048 * 2 * 65_536);
});

test("what is given back goes to newcomers, once", () => {
  const rooms = createSessionRooms();
  const taken = Array.from({ length: 100 }, () => rooms.take());
  for (const room of taken) {
    room.release();
    room.release();
  }
  expect(rooms.take().windowOctets).toBe(16 * MIB);
  const next = rooms.take();
  expect(next.windowOctets).toBeLessThan(16 * MIB);
});
