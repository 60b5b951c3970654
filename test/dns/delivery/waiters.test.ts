import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  createWaiterTable,
  NO_WAITER,
  waiterTableSize,
  type Client,
} from "../../../src/dns/delivery/waiters.ts";
import { createQuery, createQueryReader } from "../../../src/dns/wire/query.ts";
import { createArena } from "../../../src/sys/arena.ts";
import { createRegion } from "../../../src/sys/region.ts";
import { encodeQuery } from "../support/messages.ts";

const CAPACITY = 6;
const CHAINS = 3;
const ROOM = 1024;
const client: Client = { isStream: false, reserve: () => 0, send: () => undefined };

/** What a waiter must give back: the question as written, the client's socket address, id and size. */
interface Waiting {
  readonly name: string;
  readonly id: number;
  readonly address: string;
  readonly udpSize: number;
}

const anyWaiting: fc.Arbitrary<Waiting> = fc.record({
  name: fc.stringMatching(/^[a-zA-Z]{1,63}$/),
  id: fc.nat(65_535),
  address: fc.stringMatching(/^[a-z]{16,28}$/),
  udpSize: fc.integer({ min: 512, max: 4096 }),
});
/** Someone joins a chain, or a chain is answered. */
const anyStep = fc.tuple(fc.nat(CHAINS - 1), fc.option(anyWaiting));

interface Table {
  add(chain: number, waiting: Waiting): boolean;
  /** Answers the chain; what its rows hold, in their order. */
  drain(chain: number): readonly Waiting[];
  readonly size: number;
}

function createTable(): Table {
  const readQuery = createQueryReader();
  const query = createQuery();
  const arena = createArena(ROOM + waiterTableSize(CAPACITY));
  const table = createWaiterTable(arena, createRegion(ROOM, waiterTableSize(CAPACITY)), CAPACITY);
  const heads = Array.from({ length: CHAINS }, (): number => NO_WAITER);
  const text = (from: number, length: number): string => arena.octets.toString("latin1", from, from + length);
  return {
    add(chain, waiting) {
      const message = encodeQuery(waiting);
      message.copy(arena.octets, 0);
      arena.octets.write(waiting.address, 512);
      readQuery(arena.octets, 0, message.length, query);
      const row = table.add(query, client, 512, waiting.address.length, heads[chain] ?? NO_WAITER);
      arena.octets.fill(0, 0, ROOM);
      if (row !== NO_WAITER) heads[chain] = row;
      return row !== NO_WAITER;
    },
    drain(chain) {
      const read: Waiting[] = [];
      for (let row = heads[chain] ?? NO_WAITER; row !== NO_WAITER; row = table.release(row)) {
        const { id, questionOctets } = table.asker(row);
        read.push({
          name: text(table.questionAt(row) + 1, questionOctets - 6),
          id,
          address: text(table.nameAt(row), table.nameLength(row)),
          udpSize: table.udpSize(row),
        });
      }
      heads[chain] = NO_WAITER;
      return read;
    },
    get size() {
      return table.size();
    },
  };
}

/** The same with plain arrays. */
function createModel(): Table {
  const chains = Array.from({ length: CHAINS }, (): Waiting[] => []);
  return {
    add(chain, waiting) {
      if (chains.flat().length === CAPACITY) return false;
      chains[chain]?.unshift(waiting);
      return true;
    },
    drain: (chain) => chains[chain]?.splice(0) ?? [],
    get size() {
      return chains.flat().length;
    },
  };
}

test("chains of waiters give back what was put in, the latest first, and rows are used again", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const [table, model] = [createTable(), createModel()];
      const run = ({ add, drain }: Table): unknown[] =>
        steps.map(([chain, waiting]) => (waiting === null ? drain(chain) : add(chain, waiting)));
      expect(run(table)).toEqual(run(model));
      expect(table.size).toBe(model.size);
    }),
  );
});
