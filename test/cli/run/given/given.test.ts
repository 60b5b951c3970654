import { expect, test } from "vitest";
import { parseEnvironment } from "../../../../src/cli/run/given/given.ts";

test("each variable is taken at its first place, whatever its name; what has none is counted", () => {
  const octets = Buffer.from(
    "A=1\0B-C=x=y\0A=2\0__proto__=p\0=C:=x\0alone\0EMPTY=\0caf\xe9=\xff\0",
    "latin1",
  );
  const { env, nameless } = parseEnvironment(octets);
  expect(Object.entries(env)).toEqual([
    ["A", "1"],
    ["B-C", "x=y"],
    ["__proto__", "p"],
    ["EMPTY", ""],
    ["caf\udce9", "\udcff"],
  ]);
  expect(nameless).toBe(2);
});
