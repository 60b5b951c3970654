/** Flows of HTTP whose client asks for a WebSocket: the answer says whether the server has agreed. */
import { describe, expect, test } from "vitest";
import { GOOD, EVIL, createJudge, client, answer, PASS, refused } from "./judge-bench.ts";

const get = (host: string, ...fields: readonly string[]): string =>
  ["GET / HTTP/1.1", `Host: ${host}`, ...fields, "", ""].join("\r\n");

describe("a flow that asks for a WebSocket", () => {
  const head = get(GOOD, "Connection: Upgrade", "Upgrade: websocket", "User-Agent: HTTP/1.1 101 x");
  const FEIGNED = "HTTP/1.1 101 x";
  const declined = `HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\nuag=${FEIGNED}`;
  const agreed = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n";

  test.each([1, 7, 12])("is no WebSocket by an answer in pieces of %i octets that echoes", (size) => {
    const judge = createJudge();
    judge.fromClient(client(0, head));
    const echoed = declined.indexOf(FEIGNED);
    for (let at = 0; at < echoed; at += size)
      judge.fromServer(answer(head.length, declined.slice(at, Math.min(at + size, echoed)), at));
    expect(judge.fromServer(answer(head.length, declined.slice(echoed), echoed))).toEqual(PASS);
    expect(judge.fromClient(client(head.length, get(EVIL)))).toMatchObject({ name: EVIL });
  });

  test("is none by a segment that comes out of order, or again", () => {
    const judge = createJudge();
    judge.fromClient(client(0, head));
    expect(judge.fromServer(answer(head.length, FEIGNED, 4000))).toEqual(PASS);
    expect(judge.fromServer(answer(head.length, FEIGNED, -4000))).toEqual(PASS);
    expect(judge.fromClient(client(head.length, get(EVIL)))).toEqual(refused("has not agreed"));
  });

  test("is none by what comes where the answer to an earlier part of the request would be", () => {
    const judge = createJudge();
    judge.fromClient(client(0, head.slice(0, 10)));
    judge.fromServer(answer(10, "HTTP/1.1 400 Bad Request\r\n\r\n"));
    judge.fromClient(client(10, head.slice(10), { acknowledged: answer(0, "", 28).sequence }));
    expect(judge.fromServer(answer(head.length, FEIGNED, 28))).toEqual(PASS);
  });

  test.each([1, 11, 30])("is one by an agreement in pieces of %i octets, in whatever order", (size) => {
    const places = Array.from({ length: Math.ceil(agreed.length / size) }, (_, index) => index * size);
    for (const order of [places, places.toReversed()]) {
      const judge = createJudge();
      judge.fromClient(client(0, head));
      const verdicts = order.map((at) =>
        judge.fromServer(answer(head.length, agreed.slice(at, at + size), at)),
      );
      expect(verdicts).toContainEqual({ kind: "verified", name: GOOD });
    }
  });
});
