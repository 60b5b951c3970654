import { describe, expect, test } from "vitest";
import { type DecisionFilter, EVERYTHING } from "../../src/decisions/decision-filter.ts";
import { createDecisionRing } from "../../src/decisions/decision-ring.ts";
import { createReaders, MOST_READERS } from "../../src/decisions/readers.ts";
import { lookupOf } from "../support/decisions.ts";

function stand() {
  const ring = createDecisionRing(256);
  const readers = createReaders(ring, { run: "r", upstreams: [] });
  return {
    ring,
    readers,
    tell(count: number) {
      for (let left = count; left > 0; left -= 1) ring.record(lookupOf("a.example"));
    },
    join(given: { readonly door?: string; readonly after?: number; readonly filter?: DecisionFilter } = {}) {
      const state = { text: "", isFull: false, isDropped: false };
      const output = {
        write: (chunk: string) => void (state.text += chunk),
        isFull: () => state.isFull,
        drop: () => void (state.isDropped = true),
      };
      const { door = "outside", after = ring.newest(), filter = EVERYTHING } = given;
      const leave = readers.add({ filter, door, after, output }, 0);
      return { state, leave, ids: () => [...state.text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id) };
    },
  };
}

describe("readers of decisions", () => {
  test("get what comes after they came, each with its id and its data", () => {
    const { readers, tell, join } = stand();
    tell(1);
    const { state } = join();
    tell(1);
    readers.flush(50);
    const [id, event, data] = state.text.split("\n");
    expect([id, event]).toEqual(["id: r-2", "event: decision"]);
    expect(JSON.parse(data?.replace("data: ", "") ?? "")).toMatchObject({ id: "r-2", name: "a.example" });
  });

  test("go on from the place that they name", () => {
    const { readers, tell, join } = stand();
    tell(5);
    const reader = join({ after: 3 });
    readers.flush(50);
    expect(reader.ids()).toEqual(["r-4", "r-5"]);
  });

  test("are told how many they have missed for ever", () => {
    const { readers, tell, join } = stand();
    tell(300);
    const reader = join({ after: 10 });
    readers.flush(50);
    expect(reader.state.text).toMatch(/^event: gap\ndata: \{"missed":34\}\n\n/);
    expect(reader.ids()[0]).toBe("r-45");
  });

  test("get a burst in parts, and all of it", () => {
    const { readers, tell, join } = stand();
    const reader = join();
    tell(256);
    for (let flush = 1; flush <= 4; flush += 1) readers.flush(50 * flush);
    expect(reader.ids()).toHaveLength(256);
    expect(reader.state.text).not.toContain("gap");
  });

  test("with filters of their own share what one flush may render, each in its turn", () => {
    const { readers, tell, join } = stand();
    const others = Array.from({ length: 40 }, (_, n) =>
      join({ filter: { ...EVERYTHING, decisions: Array.from({ length: n + 1 }, () => "allowed" as const) } }),
    );
    tell(100);
    readers.flush(50);
    const told = () => others.filter((reader) => reader.ids().length === 100).length;
    expect(told()).toBeGreaterThan(5);
    expect(told()).toBeLessThan(12);
    for (let flush = 2; flush <= 8; flush += 1) readers.flush(50 * flush);
    expect(told()).toBe(40);
  });

  test("with one filter at one place cost as much as one", () => {
    const { readers, tell, join } = stand();
    const all = Array.from({ length: 64 }, () => join());
    tell(100);
    readers.flush(50);
    expect(all.map((reader) => reader.ids().length)).toEqual(Array.from({ length: 64 }, () => 100));
  });

  test("get long decisions in smaller parts", () => {
    const { ring, readers, join } = stand();
    const reader = join();
    const rule = `${"long.".repeat(40)}example.org`;
    const name = rule.replaceAll("l", "\u001b");
    for (let n = 0; n < 128; n += 1) ring.record(lookupOf(name, { rule }));
    readers.flush(50);
    expect(reader.state.text.length).toBeLessThan(66_000);
    expect(reader.ids().length).toBeLessThan(128);
    readers.flush(100);
    readers.flush(150);
    expect(reader.ids()).toHaveLength(128);
  });

  test("that do not read are left alone, and dropped in the end, without harm to others", () => {
    const { readers, tell, join } = stand();
    const [slow, other] = [join(), join()];
    slow.state.isFull = true;
    for (let ms = 0; ms <= 10_000; ms += 1000) {
      tell(1);
      readers.flush(ms);
    }
    expect([slow.state.text, slow.state.isDropped]).toEqual(["", true]);
    expect(other.ids()).toHaveLength(11);
    expect(readers.size()).toBe(1);
  });

  test("that catch up in time stay, with a gap for what was lost meanwhile", () => {
    const { readers, tell, join } = stand();
    const slow = join();
    slow.state.isFull = true;
    readers.flush(0);
    tell(300);
    readers.flush(9000);
    slow.state.isFull = false;
    readers.flush(9050);
    expect(slow.state.isDropped).toBe(false);
    expect(slow.state.text).toContain('{"missed":44}');
  });

  test("hear something when there is nothing to tell", () => {
    const { readers, join } = stand();
    const { state } = join();
    readers.flush(14_999);
    expect(state.text).toBe("");
    readers.flush(15_000);
    expect(state.text).toBe(": alive\n\n");
    readers.flush(29_999);
    expect(state.text).toBe(": alive\n\n");
  });

  test("past the bound the first of the same door gives way, and nobody of another door", () => {
    const { readers, join } = stand();
    const other = join({ door: "unix" });
    const all = Array.from({ length: MOST_READERS + 1 }, () => join());
    expect(all.map(({ state }) => state.isDropped).indexOf(false)).toBe(1);
    expect(other.state.isDropped).toBe(false);
    expect(readers.size()).toBe(MOST_READERS + 1);
  });

  test("that have left get nothing more", () => {
    const { readers, tell, join } = stand();
    const reader = join();
    reader.leave();
    tell(1);
    readers.flush(50);
    expect([reader.state.text, readers.size()]).toEqual(["", 0]);
  });
});
