import { describe, expect, test } from "vitest";
import type { Finding, Outcome } from "../../src/doctor/finding.ts";
import { conclude, toRow } from "../../src/doctor/report.ts";
import { presentReport } from "../../src/cli/doctor/present.ts";

const finding = (what: string, outcome: Outcome, detail: string, family?: Finding["family"]): Finding => ({
  what,
  outcome,
  detail,
  ...(family === undefined ? {} : { family }),
});

describe("a row", () => {
  test("is open where any attempt got out, and tells of the first", () => {
    const findings = [
      finding("UDP", "held", "refused", "IPv4"),
      finding("UDP", "open", "it left by eth0", "IPv6"),
      finding("ESP", "open", "it left by eth1", "IPv6"),
      finding("GRE", "untried", "no route", "IPv4"),
    ];
    expect(toRow("raw IP", "6", findings)).toEqual({
      name: "raw IP",
      row: "6",
      outcome: "open",
      detail: "UDP, IPv6: it left by eth0; 2 of 3 got out",
      findings,
    });
  });

  test("is held where all that could be tried were stopped, and says what could not", () => {
    const findings = [
      finding("UDP", "held", "refused", "IPv4"),
      finding("TCP", "held", "refused", "IPv4"),
      finding("IPv6", "untried", "no route", "IPv6"),
    ];
    expect(toRow("raw IP", "6", findings)).toMatchObject({
      outcome: "held",
      detail: "2 attempts, IPv4; not tried: IPv6 (no route)",
    });
  });

  test.each<[findings: readonly Finding[], detail: string]>([
    [[], "nothing to try"],
    [[finding("", "untried", "this process has no CAP_NET_RAW")], "this process has no CAP_NET_RAW"],
    [
      [
        finding("UDP", "untried", "no route", "IPv4"),
        finding("TCP", "untried", "no route", "IPv4"),
        finding("ESP", "untried", "no route", "IPv4"),
        finding("GRE", "untried", "the interface is down", "IPv4"),
      ],
      "UDP IPv4 and 2 more (no route), GRE IPv4 (the interface is down)",
    ],
  ])("is not tried where nothing could be: %j", (findings, detail) => {
    expect(toRow("raw IP", "6", findings)).toMatchObject({ outcome: "untried", detail });
  });
});

const rows = [
  toRow("TCP to a denied address", "1", [finding("TCP", "held", "refused", "IPv4")]),
  toRow("raw IP", "1, 6", [finding("UDP", "open", "it left by eth0", "IPv4")]),
  toRow("ping", "1", [finding("", "untried", "no route")]),
];

test("the table is one line an attack", () => {
  const signs = { lookups: "held", connections: "held", always: ["held"] } as const;
  const report = { who: "tried as the workload", rows, advice: ["drop CAP_NET_RAW"] };
  expect(presentReport(report, conclude(rows, signs))).toBe(`egress doctor: tried as the workload

result     row   attack                   what was seen
held       1     TCP to a denied address  1 attempt, IPv4
OPEN       1, 6  raw IP                   UDP, IPv4: it left by eth0
not tried  1     ping                     no route

1 held, 1 open, 1 not tried
advice: drop CAP_NET_RAW
`);
});

test.each<[lookups: Outcome, connections: Outcome, always: Outcome[], meaning: string]>([
  ["open", "open", ["open", "untried"], ": no sidecar guards this network namespace"],
  ["open", "open", ["untried", "held"], ": the default action of the policy is allow"],
  [
    "open",
    "open",
    ["untried"],
    ": no sidecar guards this network namespace, or the default action of its policy is allow",
  ],
  [
    "held",
    "open",
    ["held"],
    ": lookups are held and connections are not, as in mode dns, or if the policy allows these addresses",
  ],
  ["untried", "open", ["open"], ""],
  ["held", "held", ["open"], ""],
])("lookups %s, connections %s, what no policy allows %j: %s", (lookups, connections, always, meaning) => {
  expect(conclude(rows, { lookups, connections, always })).toEqual({
    held: 1,
    open: 1,
    untried: 1,
    text: `1 held, 1 open, 1 not tried${meaning}`,
  });
});

test("where nothing is open nothing got out", () => {
  const signs = { lookups: "held", connections: "held", always: [] } as const;
  expect(conclude(rows.slice(0, 1), signs).text).toBe("1 held, 0 open, 0 not tried: nothing got out");
});
