import { expect, test } from "vitest";
import { createSandboxEvents } from "../../../src/enforcement/events.ts";
import { followOwnAddresses } from "../../../src/enforcement/interception/own-addresses.ts";

test("they are read once for each word of a change, and anew after what could not be read", () => {
  const events = createSandboxEvents();
  let reads = 0;
  let now: readonly string[] | Error = ["192.0.2.2"];
  const own = followOwnAddresses(() => {
    reads += 1;
    if (now instanceof Error) throw now;
    return now;
  }, events);
  expect(reads).toBe(0);
  for (let connection = 0; connection < 3; connection += 1) expect([...own()]).toEqual(["192.0.2.2"]);
  expect(reads).toBe(1);
  now = new Error("no netlink");
  events.networkChanged.emit();
  expect(own).toThrow("no netlink");
  now = ["192.0.2.2", "2001:db8::2"];
  expect([...own()]).toEqual(["192.0.2.2", "2001:db8::2"]);
  expect(reads).toBe(3);
});
