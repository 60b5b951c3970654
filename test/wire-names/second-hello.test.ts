import { describe, expect, test } from "vitest";
import type { FlowJudge } from "../../src/wire-names/flow-judge.ts";
import { answer, client, createJudge, EARLY, EVIL, GOOD, HELLO, PASS, refused } from "./judge-bench.ts";
import { helloFor, inRecords, makeHello, RETRY } from "./make-hello.ts";

function askedAgain(): FlowJudge {
  const judge = createJudge();
  judge.fromClient(client(0, HELLO));
  expect(judge.fromServer(answer(HELLO.length, RETRY))).toEqual(PASS);
  return judge;
}

describe("a TLS flow whose server asks for another hello", () => {
  test("is verified once that one is acknowledged, with the same name", () => {
    const judge = askedAgain();
    expect(judge.fromServer(answer(HELLO.length, "", RETRY.length))).toEqual(PASS);
    const ccs = Buffer.from("140303000101", "hex");
    expect(judge.fromClient(client(HELLO.length, ccs))).toEqual(PASS);
    const at = HELLO.length + ccs.length;
    for (let from = 0; from < HELLO.length; from += 100)
      expect(judge.fromClient(client(at + from, HELLO.subarray(from, from + 100)))).toEqual(PASS);
    expect(judge.fromServer(answer(at + HELLO.length, "", RETRY.length))).toEqual({
      kind: "verified",
      name: GOOD,
    });
  });

  test.each([
    ["another name", helloFor(EVIL), "another name"],
    ["no name", inRecords(makeHello({})), "another name"],
    ["no record", Buffer.from("GET / HTTP/1.1"), "anything but a TLS record"],
    ["another message", Buffer.from("160303000401000000", "hex"), "too short"],
  ])("is refused with %s", (_what, octets, reason) => {
    expect(askedAgain().fromClient(client(HELLO.length, octets))).toEqual(refused(reason));
  });

  test("is refused where another name comes unasked: behind the first hello, in its packet, behind early data", () => {
    const evil = helloFor(EVIL);
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    expect(judge.fromClient(client(HELLO.length, evil))).toEqual(refused("another name"));
    expect(createJudge().fromClient(client(0, Buffer.concat([HELLO, EARLY, evil])))).toEqual(
      refused("another name"),
    );
    const slow = createJudge();
    slow.fromClient(client(0, HELLO));
    slow.fromClient(client(HELLO.length, EARLY.subarray(0, 3)));
    expect(slow.fromClient(client(HELLO.length + 3, EARLY.subarray(3)))).toEqual(PASS);
    expect(slow.fromClient(client(HELLO.length + EARLY.length, evil))).toEqual(refused("another name"));
  });

  test("is wanted behind PostgreSQL's request, too, whose answer the client may have had or not", () => {
    const request = Buffer.from("0000000804d2162f", "hex");
    const end = request.length + HELLO.length;
    for (const had of [0, 1]) {
      const judge = createJudge();
      judge.fromClient(client(0, request));
      judge.fromServer(answer(request.length, "S"));
      judge.fromClient(client(request.length, HELLO, { acknowledged: answer(0, "", had).sequence }));
      // Whoever has not had it gets it again.
      if (had === 0) judge.fromServer(answer(end, "S"));
      expect(judge.fromServer(answer(end, RETRY, 1))).toEqual(PASS);
      expect(judge.fromClient(client(end, helloFor(EVIL)))).toEqual(refused("another name"));
    }
  });

  test("is not verified by an answer that is cut, comes out of order, or stands behind an alert", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    const warning = Buffer.from("15030300020170", "hex");
    const whole = Buffer.concat([warning, RETRY]);
    for (const [from, to] of [
      [20, 60],
      [0, 9],
      [9, 30],
      [30, whole.length],
    ] as const)
      expect(judge.fromServer(answer(HELLO.length, whole.subarray(from, to), from))).toEqual(PASS);
    expect(judge.fromClient(client(HELLO.length, helloFor(EVIL)))).toEqual(refused("another name"));
  });
});
