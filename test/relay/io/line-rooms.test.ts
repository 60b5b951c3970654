import { expect, test } from "vitest";
import { createLineRooms } from "../../../src/relay/io/line-rooms.ts";

const ignore = (): void => undefined;

test("there are so many rooms, and each that is given back is there again", () => {
  const rooms = createLineRooms(2);
  expect([rooms.take(), rooms.take(), rooms.take()]).toEqual([true, true, false]);
  rooms.give();
  expect([rooms.take(), rooms.take()]).toEqual([true, false]);
});

test("over the bound the one that has rested longest is closed, and its room is the newcomer's", () => {
  const rooms = createLineRooms(3);
  const closed: string[] = [];
  const [first, second, third] = ["first", "second", "third"].map((name) => () => void closed.push(name));
  for (const close of [first, second, third]) {
    rooms.take();
    rooms.rest(close ?? ignore);
  }
  rooms.wake(first ?? ignore);
  expect([rooms.take(), closed]).toEqual([true, ["second"]]);
  expect([rooms.take(), closed]).toEqual([true, ["second", "third"]]);
  expect([rooms.take(), closed]).toEqual([false, ["second", "third"]]);
});

test("who waits is served in turn, once, by room that is given back and by what comes to rest", () => {
  const rooms = createLineRooms(1);
  const served: string[] = [];
  const waiter = (name: string) => (): void => void served.push(`${name} ${rooms.take()}`);
  rooms.take();
  rooms.wait(waiter("a"));
  rooms.wait(waiter("b"));
  rooms.give();
  expect(served).toEqual(["a true"]);
  rooms.rest(() => served.push("closed"));
  expect(served).toEqual(["a true", "closed", "b true"]);
  rooms.give();
  expect(served).toHaveLength(3);
});

test("who waits no longer is passed over, and one that needs nothing does not keep the next from it", () => {
  const rooms = createLineRooms(1);
  const served: string[] = [];
  const gone = (): void => void served.push("gone");
  rooms.take();
  rooms.wait(gone);
  rooms.wait(() => served.push("needs none"));
  rooms.wait(() => served.push(`takes ${rooms.take()}`));
  rooms.leave(gone);
  rooms.give();
  expect(served).toEqual(["needs none", "takes true"]);
});
