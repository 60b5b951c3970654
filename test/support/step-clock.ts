/**
 * Loaded by `--import` before a program: its wall clock is off by the milliseconds that the file
 * STEPPED_CLOCK says now. What a step of the machine's clock would do to a program, as timers and
 * `performance` do not follow it either.
 */
import { readFileSync } from "node:fs";

const file = process.env["STEPPED_CLOCK"] ?? "";
const real = Date.now;
const now = (): number => real() + Number(readFileSync(file, "ascii"));

class SteppedDate extends Date {
  constructor(value: number | string | Date = now()) {
    super(value);
  }
  static override readonly now = now;
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing here calls Date without `new`
globalThis.Date = SteppedDate as DateConstructor;
