import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createUseOrder } from "../../src/learned/use-order.ts";

const [ROWS, GROUPS] = [20, 6];

test("the oldest of a group and of all are those of a plain list, whatever is added, used and removed", () => {
  const steps = fc.array(
    fc.record({
      verb: fc.constantFrom("add", "add", "use", "use", "remove"),
      row: fc.integer({ min: 1, max: ROWS }),
      group: fc.integer({ min: 1, max: GROUPS }),
      later: fc.nat(2),
    }),
    { maxLength: 120 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const order = createUseOrder(ROWS, GROUPS);
      let model: { row: number; group: number; time: number }[] = [];
      let time = 1;
      for (const { verb, row, group, later } of list) {
        time += later;
        const known = model.find((each) => each.row === row);
        if (verb === "add" && known === undefined) {
          order.add(row, group, time);
          model.push({ row, group, time });
        } else if (verb === "use" && known !== undefined) {
          order.use(row, time);
          model = [...model.filter((each) => each !== known), { ...known, time }];
        } else if (verb === "remove" && known !== undefined) {
          order.remove(row);
          model = model.filter((each) => each !== known);
        }
        // Rows of different groups that were used at one time are as old as each other.
        expect(order.oldest() === 0).toBe(model.length === 0);
        expect(order.oldest() === 0 ? undefined : order.lastUse(order.oldest())).toBe(model[0]?.time);
        for (let each = 1; each <= GROUPS; each++) {
          const rows = model.filter((one) => one.group === each);
          expect([order.oldestOf(each), order.sizeOf(each)]).toEqual([rows[0]?.row ?? 0, rows.length]);
        }
        for (let each = 1; each <= ROWS; each++)
          expect(order.groupOf(each)).toBe(model.find((one) => one.row === each)?.group ?? 0);
      }
    }),
  );
});
