import { describe, expect, test } from "vitest";
import { AWAITED_SECONDS } from "../../src/netfilter/chains/awaited-answer.ts";
import { HANDED_MS } from "../../src/wire-names/flow-table.ts";
import {
  EARLY,
  EVIL,
  GOOD,
  HELLO,
  PASS,
  SHOWS,
  accepts,
  answer,
  client,
  createJudge,
} from "./judge-bench.ts";
import { helloFor, inRecords, makeHello, RETRY, serverName } from "./make-hello.ts";

/** Of the last octet of a hello that begins 256 octets ahead of the highest number. */
const AWAITED = (HELLO.length - 256) >>> 0;
const HANDED = { ...SHOWS, awaited: AWAITED };
const ofFlow = (flow: string) => ({ flow, isBegun: false });

describe("a flow that the kernel may verify", () => {
  test("awaits that all that has passed is acknowledged", () => {
    expect(createJudge({ maxHanded: 1 }).fromClient(client(0, HELLO))).toEqual(HANDED);
    const judge = createJudge({ maxHanded: 1 });
    judge.fromClient(client(0, HELLO.subarray(0, 50)));
    const rest = Buffer.concat([HELLO.subarray(50), EARLY]);
    expect(judge.fromClient(client(50, rest))).toEqual({ ...HANDED, awaited: AWAITED + EARLY.length });
  });

  test("is judged here like any other where the kernel has not verified it", () => {
    const judge = createJudge({ maxHanded: 1 });
    judge.fromClient(client(0, HELLO));
    expect(judge.fromClient(client(0, HELLO))).toEqual(PASS);
    expect(judge.fromClient(client(0, helloFor(EVIL)))).toMatchObject({ kind: "refused" });
    judge.fromClient(client(0, HELLO));
    expect(judge.fromServer(answer(HELLO.length, RETRY))).toEqual(PASS);
    expect(judge.fromClient(client(HELLO.length, helloFor(EVIL)))).toMatchObject({ kind: "refused" });
    expect(judge.figures()).toEqual({ flows: 0, octets: 0 });
    judge.fromClient(client(0, HELLO));
    expect(judge.fromServer(accepts(HELLO.length))).toEqual({ kind: "verified", name: GOOD });
    expect(judge.figures()).toEqual({ flows: 0, octets: 0 });
  });

  test("gives way to another connection on its ports, and to no packet of its own", () => {
    const judge = createJudge({ maxHanded: 1 });
    judge.fromClient(client(0, HELLO));
    const evil = client(100_000, helloFor(EVIL), { isBegun: false });
    expect(judge.fromClient(evil)).toMatchObject({ kind: "refused", name: EVIL });
    judge.fromClient(client(0, HELLO));
    expect(judge.fromClient(client(HELLO.length, EARLY, { isBegun: false }))).toEqual(PASS);
    expect(judge.fromClient(client(100_000, EARLY, { isBegun: true }))).toEqual({ kind: "drop" });
  });

  test("is found by the name it has shown, whether it is verified or not", () => {
    const judge = createJudge({ maxHanded: 1 });
    judge.fromClient(client(0, HELLO));
    expect(judge.takeShowing(({ name }) => name === EVIL)).toEqual([]);
    expect(judge.takeShowing(({ name }) => name === GOOD)).toEqual(["1"]);
    expect(judge.figures()).toEqual({ flows: 0, octets: 0 });
  });

  test("is known for as long as it may be, however many others come, and a minute at most", () => {
    let nowMs = 0;
    const judge = createJudge({ maxHanded: 2, maxFlows: 1, nowMs: () => nowMs });
    const say = (flow: string) => judge.fromClient(client(0, HELLO, ofFlow(flow)));
    const isKnown = (flow: string): boolean =>
      judge.fromClient(client(0, HELLO, { flow, isBegun: true })).kind === "pass";
    expect(["a", "b"].map(say)).toEqual([HANDED, HANDED]);
    // There is no room: these are read, and the later one takes the other's place.
    expect(["c", "d"].map(say)).toEqual([SHOWS, SHOWS]);
    expect(["a", "b", "c", "d"].map(isKnown)).toEqual([true, true, false, true]);
    nowMs = 9999;
    expect(say("e")).toEqual(SHOWS);
    expect(["a", "b"].map(isKnown)).toEqual([true, true]);
    nowMs = 10_001;
    expect(say("f")).toEqual(HANDED);
    expect(["a", "b", "f"].map(isKnown)).toEqual([false, true, true]);
    nowMs = 50_000;
    expect(isKnown("f")).toBe(true);
    nowMs = 75_000;
    judge.sweep();
    expect(["b", "f"].map(isKnown)).toEqual([false, true]);
  });

  test("may be one for less long than it is known here in any case", () => {
    expect(HANDED_MS).toBeGreaterThan(1000 * AWAITED_SECONDS);
  });

  test("is refused where it says more than there is room for", () => {
    const judge = createJudge({ maxHanded: 4096 });
    const long = inRecords(makeHello({ serverNames: [serverName(GOOD)], behind: 16_000 }));
    const part = long.subarray(0, -1);
    const flows = Array.from({ length: 1000 }, (_, index) => String(index));
    const kinds = flows.map((flow) => judge.fromClient(client(0, long, ofFlow(flow))));
    const handed = flows.filter((_, index) => {
      const verdict = kinds[index];
      return verdict?.kind === "hello" && verdict.awaited !== undefined;
    });
    expect(handed.length).toBeLessThan(1000);
    const behind = handed.map((flow) => judge.fromClient(client(long.length, part, { flow })));
    const refused = behind.filter(({ kind }) => kind === "refused");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(behind.length);
    expect(judge.figures().octets).toBeLessThan(33 << 20);
  });
});
