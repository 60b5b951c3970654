import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createWaiterTable, NO_WAITER, waiterTableSize, type Client } from "../../src/dns/waiters.ts";
import { createQuery, createQueryReader } from "../../src/dns/wire/query.ts";
import { createArena } from "../../src/sys/arena.ts";
import { createRegion } from "../../src/sys/region.ts";
import { encodeQuery } from "./support/messages.ts";

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

test("chains of waiters give back what was put in, the latest first, and rows are used again", () => {
  const readQuery = createQueryReader();
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const arena = createArena(ROOM + waiterTableSize(CAPACITY));
      const table = createWaiterTable(arena, createRegion(ROOM, waiterTableSize(CAPACITY)), CAPACITY);
      const query = createQuery();
      const heads = new Array<number>(CHAINS).fill(NO_WAITER);
      const model = Array.from({ length: CHAINS }, (): Waiting[] => []);
      for (const [chain, waiting] of steps) {
        if (waiting === null) {
          const read: Waiting[] = [];
          for (let row = heads[chain] ?? NO_WAITER; row !== NO_WAITER; row = table.release(row)) {
            const question = table.questionAt(row);
            read.push({
              name: arena.octets.toString(
                "latin1",
                question + 1,
                question + table.asker(row).questionOctets - 5,
              ),
              id: table.asker(row).id,
              address: arena.octets.toString(
                "latin1",
                table.nameAt(row),
                table.nameAt(row) + table.nameLength(row),
              ),
              udpSize: table.udpSize(row),
            });
          }
          expect(read).toEqual(model[chain]);
          heads[chain] = NO_WAITER;
          model[chain] = [];
        } else {
          const message = encodeQuery(waiting);
          message.copy(arena.octets, 0);
          arena.octets.write(waiting.address, 512);
          readQuery(arena.octets, 0, message.length, query);
          const row = table.add(query, client, 512, waiting.address.length, heads[chain] ?? NO_WAITER);
          const isFull = model.flat().length === CAPACITY;
          expect(row === NO_WAITER).toBe(isFull);
          if (!isFull) {
            heads[chain] = row;
            model[chain]?.unshift(waiting);
          }
          arena.octets.fill(0, 0, ROOM);
        }
        expect(table.size).toBe(model.flat().length);
      }
    }),
  );
});
