import { expect, test } from "vitest";
import { parseSingleMap } from "../../src/sys/user-namespace.ts";

test.each([
  ["root that is one user outside", "         0       1000          1\n", 1000],
  ["root that is root outside", "         0          0          1\n", undefined],
  ["the machine's own", "         0          0 4294967295\n", undefined],
  ["a container's range", "         0     100000      65536\n", undefined],
  ["root and a range", "         0       1000          1\n         1     100000      65536\n", undefined],
  ["a user that stays as it is", "      1000       1000          1\n", undefined],
  ["none", "", undefined],
])("the map of a user namespace: %s", (_case, text, id) => {
  expect(parseSingleMap(text)).toBe(id);
});
