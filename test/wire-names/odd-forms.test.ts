import { describe, expect, test } from "vitest";
import { BEGINS, client, createJudge, EVIL, GOOD } from "./judge-bench.ts";

describe("a flow that shows something of an odd form, where that passes", () => {
  const asked: string[] = [];
  const passesOddForm = (flow: string, reason: string): boolean => asked.push(`${flow}: ${reason}`) > 0;

  test("goes on unread, be it TLS, HTTP or a later request", () => {
    const get = `GET / HTTP/1.1\r\nHost: ${GOOD}\r\n\r\n`;
    for (const octets of ["GET /\r\n", "PRI * HTTP/2.0\r\n", "\x16\x03\x01\x00\x00", `${get}GET /\r\n`]) {
      asked.length = 0;
      const judge = createJudge({ passesOddForm });
      expect(judge.fromClient(client(0, octets))).toEqual({ kind: "verified", name: undefined });
      expect(asked).toEqual([expect.stringMatching(/^1: /)]);
      expect(createJudge().fromClient(client(0, octets))).toMatchObject({ kind: "refused" });
    }
  });

  test("may ask for many hosts, each of which is judged", () => {
    const hosts = Array.from({ length: 20 }, (_, i) => `h${i}.example.org`);
    const judge = createJudge({
      passesOddForm,
      findFault: ({ name }) => (name === EVIL ? "denied" : undefined),
    });
    let at = 0;
    for (const host of hosts) {
      const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
      expect(judge.fromClient(client(at, request))).toMatchObject({ kind: "pass" });
      at += request.length;
    }
    expect(judge.fromClient(client(at, `GET / HTTP/1.1\r\nHost: ${EVIL}\r\n\r\n`))).toMatchObject({
      kind: "refused",
      name: EVIL,
    });
  });

  test("is still refused for what no TCP of a kernel sends, and for other octets under the same numbers", () => {
    const judge = createJudge({ passesOddForm });
    expect(judge.fromClient(client(0, "GET /\r\n", { isOfSocket: false }))).toMatchObject({
      kind: "refused",
    });
    expect(judge.fromClient(client(0, "GET / HTTP/1.1\r\n"))).toEqual(BEGINS);
    expect(judge.fromClient(client(0, "GET /a HTTP/1.1\r\n"))).toMatchObject({ kind: "refused" });
  });
});
