import { expect, test } from "vitest";
import { boundSockets, judgeCall } from "../../../src/doctor/checks/shared-ports.ts";

test.each([
  ["answered", true, "open"],
  ["ECONNRESET", true, "open"],
  ["answered", false, "held"],
  ["ECONNREFUSED", false, "untried"],
] as const)(
  "a call that has ended with %s, heard by who shares the port: %s, is %s",
  (ended, hasHeard, outcome) => {
    expect(judgeCall(ended, hasHeard).outcome).toBe(outcome);
  },
);

test("sockets without a far end are read from the kernel's tables", () => {
  const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:3BF9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:46A0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
  12: 020200C0:9C40 097100CB:0050 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
`;
  const udp6 =
    "  101: 00000000000000000000000001000000:3BF9 00000000000000000000000000000000:0000 07 00000000\n";
  expect(boundSockets(tcp)).toEqual([
    { port: 15_353, isWildcard: false },
    { port: 18_080, isWildcard: true },
  ]);
  expect(boundSockets(udp6)).toEqual([{ port: 15_353, isWildcard: false }]);
});
