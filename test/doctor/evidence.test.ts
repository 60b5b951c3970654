import { describe, expect, test } from "vitest";
import {
  type Ending,
  endingOf,
  judgeConnect,
  judgeLookup,
  judgeOddLookup,
  judgeSend,
  judgeShownName,
  type Trace,
} from "../../src/doctor/evidence.ts";
import type { Outcome } from "../../src/doctor/finding.ts";

const SENT: Ending = { kind: "sent" };
const CONNECTED: Ending = { kind: "connected" };
const SILENT: Ending = { kind: "silent" };
const REFUSED: Ending = { kind: "refused", code: "ECONNREFUSED" };
const IMPOSSIBLE: Ending = { kind: "impossible", reason: "no route" };
const DENIED: Ending = { kind: "answered", by: "the sidecar" };
const ANSWERED: Ending = { kind: "answered", by: "another resolver" };

const LEFT: Trace = { seen: "eth0" };
const STAYED: Trace = { seen: false };
const UNSEEN: Trace = { seen: undefined };
const FEWER: Trace = { seen: undefined, counted: "fewer" };
const AS_MANY: Trace = { seen: undefined, counted: "as many" };
const UNCLEAR: Trace = { seen: undefined, counted: "unclear" };

type Case = readonly [ending: Ending, trace: Trace, outcome: Outcome];

test.each<Case>([
  [SENT, LEFT, "open"],
  [SENT, STAYED, "open"],
  [SENT, UNSEEN, "open"],
  [REFUSED, LEFT, "open"],
  [REFUSED, STAYED, "held"],
  [REFUSED, UNSEEN, "held"],
  [IMPOSSIBLE, STAYED, "untried"],
])("what the call itself refuses: %j, %j is %s", (ending, trace, outcome) => {
  expect(judgeSend(ending, trace).outcome).toBe(outcome);
});

test.each<Case>([
  [REFUSED, LEFT, "open"],
  [CONNECTED, STAYED, "open"],
  [CONNECTED, UNSEEN, "open"],
  [REFUSED, STAYED, "held"],
  [SILENT, STAYED, "held"],
  [{ kind: "refused", code: "ECONNABORTED" }, UNSEEN, "held"],
  [{ kind: "refused", code: "ECONNRESET" }, UNSEEN, "untried"],
  [SILENT, UNSEEN, "untried"],
  [IMPOSSIBLE, STAYED, "untried"],
])("a shown name: %j, %j is %s", (ending, trace, outcome) => {
  expect(judgeShownName(ending, trace).outcome).toBe(outcome);
});

test.each<Case>([
  [CONNECTED, STAYED, "open"],
  [CONNECTED, UNSEEN, "open"],
  [SILENT, STAYED, "open"],
  [SILENT, UNSEEN, "open"],
  [REFUSED, LEFT, "open"],
  [REFUSED, STAYED, "held"],
  [REFUSED, FEWER, "held"],
  [REFUSED, AS_MANY, "open"],
  [REFUSED, UNCLEAR, "untried"],
  [REFUSED, UNSEEN, "untried"],
  [IMPOSSIBLE, STAYED, "untried"],
])("a connection: %j, %j is %s", (ending, trace, outcome) => {
  expect(judgeConnect(ending, trace).outcome).toBe(outcome);
});

test.each<Case>([
  [DENIED, STAYED, "held"],
  [DENIED, UNSEEN, "held"],
  [DENIED, LEFT, "open"],
  [ANSWERED, STAYED, "open"],
  [ANSWERED, UNSEEN, "open"],
  [REFUSED, STAYED, "held"],
  [REFUSED, UNSEEN, "untried"],
  [REFUSED, FEWER, "held"],
  [SILENT, STAYED, "untried"],
  [SILENT, FEWER, "untried"],
  [SILENT, AS_MANY, "open"],
  [SILENT, LEFT, "open"],
  [SILENT, UNSEEN, "untried"],
  [IMPOSSIBLE, STAYED, "untried"],
])("a lookup: %j, %j is %s", (ending, trace, outcome) => {
  expect(judgeLookup(ending, trace).outcome).toBe(outcome);
});

test.each<Case>([
  [DENIED, STAYED, "held"],
  [ANSWERED, STAYED, "held"],
  [REFUSED, STAYED, "held"],
  [ANSWERED, LEFT, "open"],
  [ANSWERED, UNSEEN, "untried"],
  [SILENT, STAYED, "untried"],
  [IMPOSSIBLE, STAYED, "untried"],
])("an odd lookup: %j, %j is %s", (ending, trace, outcome) => {
  expect(judgeOddLookup(ending, trace).outcome).toBe(outcome);
});

describe("a failed system call", () => {
  test.each([
    ["sendto", "EPERM"],
    ["sendto", "ENOBUFS"],
    ["connect", "ECONNREFUSED"],
    ["recvfrom", "ECONNREFUSED"],
  ])("%s: %s is a refusal", (syscall, code) => {
    expect(endingOf(syscall, code)).toEqual({ kind: "refused", code });
  });

  test.each([
    ["socket", "EPERM", "this process may not"],
    ["setsockopt", "EPERM", "this process may not"],
    ["socket", "EPROTONOSUPPORT", "this kernel has none"],
    ["connect", "ENETUNREACH", "no route"],
    ["sendto", "ENETDOWN", "the interface is down"],
    ["sendto", "EMSGSIZE", "sendto: EMSGSIZE"],
  ])("%s: %s says only that it could not be tried", (syscall, code, reason) => {
    expect(endingOf(syscall, code)).toEqual({ kind: "impossible", reason });
  });
});
