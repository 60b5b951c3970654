/** The table of learned addresses beside a plain model of it. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_SLOT } from "../../src/tables/slot-index.ts";
import { createLearnedTable, type LearnedTable } from "../../src/learned/table.ts";
import type { Prefix } from "../../src/policy/prefix.ts";

const START_MS = 5000;
const LIMITS = { capacity: 12, perName: 3, perWildcard: 5, maxOwners: 3 };
const NAMES = ["a.example", "b.example", "x.wild.example", "y.wild.example", "localhost"];

interface Row {
  readonly octets: Uint8Array;
  /** The latest first. */
  owners: string[];
  readonly wildcard: string | undefined;
  untilMs: number;
  isInDoubt: boolean;
  orderedMs: number;
  flowMs: number;
}

const addressOf = (index: number): Uint8Array =>
  index % 3 === 0
    ? Uint8Array.from({ length: 16 }, (_, place) => (place === 15 ? index : place))
    : Uint8Array.of(192, 0, 2, index);
const wildcardOf = (owner: string): string | undefined =>
  owner.endsWith(".wild.example") ? "wild.example" : undefined;

function create(): LearnedTable {
  return createLearnedTable({ ...LIMITS, seed: 99, startMs: START_MS });
}

function slotOf(table: LearnedTable, octets: Uint8Array): number {
  const framed = Uint8Array.from([1, ...octets, 2]);
  return table.find(framed, 1, octets.length);
}

/** The latest owner in front; the first one stays last; past the most the oldest but that one goes. */
function withOwner(owners: readonly string[], owner: string): string[] {
  const payer = owners.at(-1);
  if (payer === undefined || payer === owner) return payer === undefined ? [owner] : [...owners];
  const others = owners.slice(0, -1).filter((each) => each !== owner);
  return [...[owner, ...others].slice(0, LIMITS.maxOwners - 1), payer];
}

const step = fc.record({
  verb: fc.constantFrom("learn", "learn", "learn", "use", "flow", "prolong", "doubt", "remove"),
  index: fc.nat(15),
  owner: fc.constantFrom(...NAMES),
  laterMs: fc.constantFrom(0, 100, 4900, 5000, 60_000),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Model {
  /** In the order of use. */
  readonly rows = new Map<string, Row>();
  nowMs = START_MS;

  where(passes: (row: Row) => boolean): Row[] {
    return [...this.rows.values()].filter(passes);
  }
  use(key: string, row: Row): void {
    if (this.nowMs - row.orderedMs < 5000) return;
    row.orderedMs = this.nowMs;
    this.rows.delete(key);
    this.rows.set(key, row);
  }
}

function take(table: LearnedTable, model: Model, { verb, index, owner, laterMs }: Step): void {
  model.nowMs += laterMs;
  const { nowMs } = model;
  const octets = addressOf(index);
  const key = octets.join(".");
  const row = model.rows.get(key);
  const slot = slotOf(table, octets);
  const epoch = table.epoch();
  expect(slot !== NO_SLOT).toBe(row !== undefined);
  if (row === undefined) {
    if (verb !== "learn" || model.rows.size === LIMITS.capacity) return;
    const wildcard = wildcardOf(owner);
    const untilMs = nowMs + 60_000;
    const times = { untilMs, isInDoubt: false, orderedMs: nowMs, flowMs: 0 };
    const fresh = { octets, owners: [owner], wildcard, ...times };
    const framed = Uint8Array.from([1, ...octets]);
    table.addOwner(
      table.add({ octets: framed, at: 1, length: octets.length, wildcard, untilMs, nowMs }),
      owner,
    );
    model.rows.set(key, fresh);
  } else if (verb === "learn") {
    table.addOwner(slot, owner);
    row.owners = withOwner(row.owners, owner);
  } else if (verb === "use" || verb === "flow") {
    table.use(slot, nowMs, verb === "flow");
    if (verb === "flow") row.flowMs = nowMs;
    model.use(key, row);
  } else if (verb === "prolong") {
    Object.assign(row, { untilMs: nowMs + 360_000, isInDoubt: false });
    table.setUntilMs(slot, row.untilMs);
  } else if (verb === "doubt") {
    table.doubt(slot);
    row.isInDoubt = true;
  } else {
    table.remove(slot);
    model.rows.delete(key);
  }
  const isLoss = row !== undefined && (verb === "remove" || verb === "doubt");
  expect(table.epoch() === epoch).toBe(!isLoss);
}

function expectSame(table: LearnedTable, model: Model): void {
  const keys: string[] = [];
  for (let slot = table.above(0); slot !== NO_SLOT; slot = table.above(slot))
    keys.push(table.key(slot).join("."));
  expect(keys.toSorted()).toEqual([...model.rows.keys()].toSorted());
  expect(table.size()).toBe(model.rows.size);
  for (const row of model.rows.values()) {
    const slot = slotOf(table, row.octets);
    expect(table.keyView(slot)).toEqual(row.octets);
    expect(table.owners(slot)).toEqual(row.owners);
    for (const name of NAMES) expect(table.isOwner(slot, name)).toBe(row.owners.includes(name));
    const times = [table.untilMs(slot), table.usedMs(slot), table.flowMs(slot)];
    const untilMs = row.isInDoubt ? 0 : row.untilMs;
    expect(times).toEqual([untilMs, Math.max(row.orderedMs, row.flowMs), row.flowMs]);
    expect(table.wantedUntilMs(slot)).toBe(row.untilMs);
  }
}

function expectBounds(table: LearnedTable, model: Model): void {
  // Rows of several wildcards that were used at one time are as old as each other.
  const oldest = model.rows.get(table.oldest() === NO_SLOT ? "" : table.key(table.oldest()).join("."));
  expect(oldest?.orderedMs).toBe([...model.rows.values()][0]?.orderedMs);
  for (const name of NAMES) {
    const rows = model.where(({ owners }) => owners.at(-1) === name);
    const wanted = rows.length >= LIMITS.perName ? rows[0] : undefined;
    expect(table.crowdedOfName(name)).toBe(wanted === undefined ? NO_SLOT : slotOf(table, wanted.octets));
  }
  const wild = model.where(({ wildcard }) => wildcard !== undefined);
  const wanted = wild.length >= LIMITS.perWildcard ? wild[0] : undefined;
  expect(table.crowdedOfWildcard("wild.example")).toBe(
    wanted === undefined ? NO_SLOT : slotOf(table, wanted.octets),
  );
  expect(table.crowdedOfWildcard(undefined)).toBe(NO_SLOT);
  const isNextTooMany = wild.length + 2 > LIMITS.perWildcard;
  expect(table.crowdedOfWildcard("wild.example", 2) !== NO_SLOT).toBe(isNextTooMany && wild.length > 0);
}

function add(table: LearnedTable, index: number, ...owners: string[]): number {
  const octets = addressOf(index);
  const row = { octets, at: 0, length: octets.length, wildcard: undefined, untilMs: 0, nowMs: START_MS };
  const slot = table.add(row);
  for (const owner of owners) table.addOwner(slot, owner);
  return slot;
}

describe("the table of learned addresses", () => {
  test("holds what a plain model does, whatever is learned, used, prolonged, doubted and removed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const [table, model] = [create(), new Model()];
        for (const each of steps) {
          take(table, model, each);
          expectBounds(table, model);
        }
        expectSame(table, model);
        for (const { octets } of model.rows.values()) table.remove(slotOf(table, octets));
        expect([table.size(), table.hasRoom(), table.oldest()]).toEqual([0, true, NO_SLOT]);
      }),
    );
  });

  test("says of which rows a marked name is an owner, which have none, and which lie in a prefix", () => {
    const table = create();
    const [one, two, three, six] = [
      add(table, 1, "a.example"),
      add(table, 2, "b.example", "a.example"),
      add(table, 4),
      add(table, 3, "b.example"),
    ];
    const marks = new Uint8Array(table.names.capacity + 1);
    const concerned = (...prefixes: readonly Prefix[]): readonly number[] =>
      [one, two, three, six].filter((slot) => table.isConcerned(slot, marks, prefixes));
    marks[table.names.find("a.example")] = 1;
    expect(concerned()).toEqual([one, two, three]);
    marks.fill(0);
    expect(concerned({ family: 4, octets: addressOf(2), length: 31 })).toEqual([two, three]);
    expect(concerned({ family: 6, octets: addressOf(3), length: 128 })).toEqual([three, six]);
  });

  test("notes while it is watched which rows come or get an owner", () => {
    const table = create();
    const old = add(table, 1, "a.example");
    add(table, 4, "a.example");
    table.watch();
    const fresh = add(table, 2);
    table.addOwner(old, "b.example");
    expect(table.takeNoted()).toEqual([fresh, old]);
    add(table, 5, "a.example");
    expect(table.takeNoted()).toBeUndefined();
  });

  test("gives times back to a tenth of a second, late rather than early, and years later, too", () => {
    const table = create();
    const slot = table.add({
      octets: addressOf(1),
      at: 0,
      length: 4,
      wildcard: undefined,
      untilMs: 0,
      nowMs: START_MS,
    });
    expect(table.untilMs(slot)).toBe(0);
    const yearsMs = 5 * 365 * 86_400_000;
    for (const timeMs of [START_MS, START_MS + 1, 12_345.678, yearsMs + 0.5]) {
      table.setUntilMs(slot, timeMs);
      expect(table.untilMs(slot) - timeMs).toBeGreaterThanOrEqual(0);
      expect(table.untilMs(slot) - timeMs).toBeLessThan(100);
      expect(table.hasOneUntil(timeMs - 0.5, timeMs)).toBe(true);
      expect(table.hasOneUntil(timeMs + 200, timeMs + 400)).toBe(false);
      table.doubt(slot);
      expect(table.wantedUntilMs(slot) - timeMs).toBeGreaterThanOrEqual(0);
      expect(table.wantedUntilMs(slot) - timeMs).toBeLessThan(100);
      expect(table.hasOneUntil(0, timeMs + 400)).toBe(false);
    }
  });
});
