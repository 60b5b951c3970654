/** For how long flows are known, and at whose cost. */
import { describe, expect, test } from "vitest";
import { GOOD, EVIL, HELLO, createJudge, client, answer, PASS, SHOWS, refused } from "./judge-bench.ts";

const get = (host: string, ...fields: readonly string[]): string =>
  ["GET / HTTP/1.1", `Host: ${host}`, ...fields, "", ""].join("\r\n");

describe("a flow that is not known any more is refused:", () => {
  test("after a restart", () => {
    createJudge().fromClient(client(0, HELLO.subarray(0, 50)));
    expect(createJudge().fromClient(client(50, HELLO.subarray(50)))).toEqual(refused("not known any more"));
  });

  test("where it was silent for too long", () => {
    let nowMs = 0;
    const judge = createJudge({ nowMs: () => nowMs });
    judge.fromClient(client(0, HELLO.subarray(0, 50)));
    judge.fromClient(client(0, HELLO.subarray(0, 1), { flow: "2" }));
    nowMs = 59_000;
    judge.sweep();
    expect(judge.figures().flows).toBe(2);
    nowMs = 61_000;
    judge.sweep();
    expect(judge.figures()).toEqual({ flows: 0, octets: 0 });
    expect(judge.fromClient(client(50, HELLO.subarray(50)))).toEqual(refused("not known any more"));
  });

  test("but not for its silence, where it may be any protocol, or HTTP", () => {
    let nowMs = 0;
    const judge = createJudge({ nowMs: () => nowMs });
    const texts = ["GET / HT", "0032git-upload-pack /a.git\0", "\0\0\0\x08", get(GOOD)];
    for (const [index, text] of texts.entries())
      judge.fromClient(client(0, Buffer.from(text, "latin1"), { flow: `${index}` }));
    nowMs = 86_400_000;
    judge.sweep();
    expect(judge.figures().flows).toBe(texts.length);
    const git = client(texts[1]?.length ?? 0, "0000", { flow: "1" });
    expect(judge.fromClient(git)).toEqual(PASS);
  });

  test("where others needed its place, the one that was silent for longest", () => {
    const judge = createJudge({ maxFlows: 2 });
    for (const flow of ["1", "2", "1", "3"]) judge.fromClient(client(0, HELLO.subarray(0, 50), { flow }));
    expect(judge.fromClient(client(50, HELLO.subarray(50), { flow: "2" }))).toEqual(
      refused("not known any more"),
    );
    expect(judge.fromClient(client(50, HELLO.subarray(50), { flow: "1" }))).toEqual(SHOWS);
  });

  test("where others needed its octets", () => {
    const judge = createJudge({ maxOctets: 10_000 });
    for (let flow = 0; flow < 1000; flow++)
      judge.fromClient(client(0, HELLO.subarray(0, 50), { flow: `${flow}` }));
    expect(judge.figures().octets).toBeLessThanOrEqual(10_000);
    expect(judge.figures().flows).toBe(100);
  });
});

describe("a flow that both sides have ended", () => {
  const head = get(GOOD);
  const fin = { isFin: true };

  test.each([
    ["the client first", [answer(head.length, "HTTP"), { ...answer(head.length + 1, "", 4), ...fin }]],
    ["the server first", [{ ...answer(head.length, "HTTP"), ...fin }, answer(head.length + 1, "", 5)]],
    ["by a reset", [{ ...answer(head.length), isReset: true }]],
  ])("%s, takes nobody's place, and may send again what it has sent", (_, answers) => {
    let nowMs = 0;
    const judge = createJudge({ nowMs: () => nowMs, maxFlows: 1 });
    judge.fromClient(client(0, head));
    for (const one of answers) judge.fromServer(one);
    expect(judge.figures().flows).toBe(0);
    judge.fromClient(client(0, head, { flow: "2" }));
    expect(judge.fromClient(client(0, head, { isBegun: true }))).toEqual(PASS);
    expect(judge.fromClient(client(0, head, { flow: "2", isBegun: true }))).toEqual(PASS);
    nowMs = 61_000;
    judge.sweep();
    expect(judge.fromClient(client(0, head, { isBegun: true }))).toEqual(refused("not known any more"));
    expect(judge.fromClient(client(0, head, { flow: "2", isBegun: true }))).toEqual(PASS);
  });

  test.each([
    ["the client", answer(head.length + 1, "HTTP")],
    ["the server", { ...answer(head.length, "HTTP"), ...fin }],
  ])("is found by its name as long as only %s has", (_, one) => {
    const judge = createJudge();
    judge.fromClient(client(0, head));
    judge.fromServer(one);
    expect(judge.takeShowing(() => true)).toEqual(["1"]);
  });

  test("is not taken for another one on its ports", () => {
    const judge = createJudge();
    judge.fromClient(client(0, head));
    judge.fromServer({ ...answer(head.length + 1), ...fin });
    expect(judge.fromClient(client(head.length, get(EVIL), { isBegun: false }))).toMatchObject({
      name: EVIL,
    });
    judge.fromClient(client(0, head));
    judge.fromServer({ ...answer(head.length + 1), ...fin });
    expect(judge.fromClient(client(head.length + 2, HELLO, { isBegun: false }))).toEqual(SHOWS);
  });
});
