import { expect, test } from "vitest";
import { judgeAnswer } from "../../../src/doctor/checks/api.ts";

test.each([
  [401, "held"],
  [403, "held"],
  [200, "open"],
  [404, "untried"],
  [500, "untried"],
  ["ECONNREFUSED", "untried"],
  ["ECONNRESET", "untried"],
] as const)("a call that is answered %s is %s", (answer, outcome) => {
  expect(judgeAnswer(answer, 18_080).outcome).toBe(outcome);
});
