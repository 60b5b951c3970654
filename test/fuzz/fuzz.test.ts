/**
 * A short run of each target, the same cases each time: what `npm run fuzz` does for as long as it is told.
 */
import { describe, expect, test } from "vitest";
import { mutate, MAX_OCTETS } from "./engine/mutate.ts";
import { createRandom } from "./engine/random.ts";
import { runTarget } from "./engine/run.ts";
import { plainChecker, readAnywhere, type Target } from "./engine/target.ts";
import { TARGETS } from "./targets/all.ts";
import { skipBecause } from "../support/skip.ts";

const SEED = 20_260_101;
/** Those that work over sockets cost a hundred times as much. */
const CASES: Readonly<Record<string, number>> = { http: 150, "policy-body": 600 };
/** What must have come among the outcomes: that two parsers have read something, and the same. */
const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  "hello-by-tlslite": ["the same name in both", "no name in both"],
  "proxy-answer": ["open", "refused", "strange", "incomplete"],
  "requests-by-h11": ["1 in both", "2 in both"],
};

test.for(TARGETS)("$name keeps its promises", async (target, context) => {
  const reason = target.missing?.();
  if (reason !== undefined) skipBecause(context, reason);
  const cases = CASES[target.name] ?? 3000;
  const report = await runTarget(target, { seed: SEED, goesOn: (done) => done < cases });
  expect(report).toMatchObject({ target: target.name, cases });
  // Inputs that all end in the same way would show nothing.
  expect(Object.keys(report.outcomes).length).toBeGreaterThan(1);
  expect(Object.keys(report.outcomes)).toEqual(expect.arrayContaining([...(OUTCOMES[target.name] ?? [])]));
});

describe("a run", () => {
  const failing: Target = {
    name: "failing",
    seeds: "signature",
    make: (random) => random.octets(4),
    open: async () =>
      plainChecker((input) => {
        if (input.length === 4) throw new Error("four octets");
        return "fine";
      }),
  };

  test("that fails tells the seed by which it fails again at once", async () => {
    const { message } = await failureOf(runTarget(failing, { seed: 5, goesOn: (cases) => cases < 1000 }));
    const told =
      /failing: npm run fuzz -- failing --seed (?<seed>\d+): four octets\ninput: [0-9a-f]{8}$/.exec(message);
    const seed = Number(told?.groups?.["seed"]);
    const again = await failureOf(runTarget(failing, { seed, goesOn: (cases) => cases < 1 }));
    expect(again.message).toBe(message);
  });

  test("makes the same inputs of the same seed, and others of the next", () => {
    const [one, two] = [Buffer.from("0123456789"), Buffer.from("abcdef")];
    const make = (seed: number): string => mutate(createRandom(seed), one, two).toString("hex");
    expect(make(1)).toBe(make(1));
    expect(new Set(Array.from({ length: 50 }, (_, seed) => make(seed))).size).toBeGreaterThan(40);
  });

  test("makes no input longer than its bound", () => {
    const long = Buffer.alloc(MAX_OCTETS, 7);
    for (let seed = 0; seed < 200; seed++) {
      expect(mutate(createRandom(seed), long, long).length).toBeLessThanOrEqual(MAX_OCTETS);
    }
  });

  test("notices a reader that looks behind the end", () => {
    const input = Buffer.of(1, 2);
    expect(readAnywhere(input, (octets, start, end) => octets[start] ?? end)).toBe(1);
    expect(() => readAnywhere(input, (octets, _start, end) => octets[end])).toThrow("what stands around it");
  });
});

async function failureOf(running: Promise<unknown>): Promise<Error> {
  const end = await running.catch((error: unknown) => error);
  if (end instanceof Error) return end;
  throw new Error("did not fail");
}
