import { array, boolean, constantFrom, integer, record, sample } from "fast-check";
import { describe, expect, test } from "vitest";
import { readFirstOctets } from "../../src/wire-names/first-octets.ts";
import {
  GOOD,
  EVIL,
  HELLO,
  EARLY,
  createJudge,
  client,
  answer,
  accepts,
  PASS,
  BEGINS,
  SHOWS,
  refused,
} from "./judge-bench.ts";
import { helloFor, inRecords, makeHello, serverName } from "./make-hello.ts";

describe("a TLS flow", () => {
  test("is verified once the far end has acknowledged its whole hello", () => {
    const judge = createJudge();
    expect(judge.fromServer(answer(0))).toEqual(PASS);
    expect(judge.fromClient(client(0, HELLO))).toEqual(SHOWS);
    expect(judge.fromServer(answer(HELLO.length - 1))).toEqual(PASS);
    expect(judge.fromServer(answer(HELLO.length))).toEqual(PASS);
    expect(judge.fromServer(accepts(HELLO.length))).toEqual({ kind: "verified", name: GOOD });
    expect(judge.figures()).toEqual({ flows: 0, octets: 0 });
  });

  test("with a name that is not allowed is refused, with the name", () => {
    const verdict = createJudge().fromClient(client(0, helloFor(EVIL)));
    expect(verdict).toEqual({ kind: "refused", name: EVIL, reason: `${EVIL} is not allowed` });
  });

  test("is refused early, where its name has come ahead of its end", () => {
    const hello = inRecords(makeHello({ serverNames: [serverName(EVIL)], behind: 2000 }));
    expect(createJudge().fromClient(client(0, hello.subarray(0, 300)))).toMatchObject({ name: EVIL });
  });

  test.each([1, 10, 100])(
    "in segments of %i octets passes as it comes, and its last segment is judged",
    (size) => {
      for (const [name, last] of [
        [GOOD, "hello"],
        [EVIL, "refused"],
      ] as const) {
        const judge = createJudge();
        const hello = helloFor(name);
        const kinds: string[] = [];
        for (let at = 0; at < hello.length && kinds.at(-1) !== "refused"; at += size)
          kinds.push(judge.fromClient(client(at, hello.subarray(at, at + size))).kind);
        expect(kinds.slice(0, -1).every((kind) => kind === "pass")).toBe(true);
        expect(kinds.at(-1)).toBe(last);
        expect(judge.fromServer(accepts(hello.length)).kind).toBe(name === GOOD ? "verified" : "pass");
      }
    },
  );

  test("goes on while its hello is not acknowledged: again, or with what follows it", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    expect(judge.fromClient(client(0, HELLO))).toEqual(PASS);
    expect(judge.fromClient(client(HELLO.length, EARLY))).toEqual(PASS);
    const behind = Buffer.concat([HELLO.subarray(10), EARLY.subarray(0, 7)]);
    expect(judge.fromClient(client(10, behind))).toEqual(PASS);
    expect(judge.fromServer(accepts(HELLO.length + EARLY.length))).toMatchObject({ kind: "verified" });
  });

  test("has each acknowledgement seen once its server has accepted it, and not all is acknowledged", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    judge.fromClient(client(HELLO.length, EARLY));
    expect(judge.fromServer(accepts(HELLO.length))).toEqual(BEGINS);
    expect(judge.fromServer(answer(HELLO.length + EARLY.length))).toMatchObject({ kind: "verified" });
  });

  test("whose packet was under way when the verdict fell meets the rules again, and is another one if it comes back", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    judge.fromServer(accepts(HELLO.length));
    expect(judge.fromClient(client(HELLO.length, "more"))).toEqual({ kind: "repeat" });
    const again = { isBegun: false, isRepeated: true };
    expect(judge.fromClient(client(5000, helloFor(EVIL), again))).toMatchObject({ name: EVIL });
  });

  test("on the ports of one that never ended is judged by itself", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO.subarray(0, 50)));
    expect(judge.fromClient(client(100_000_000, helloFor(EVIL), { isBegun: false }))).toMatchObject({
      name: EVIL,
    });
  });

  test("without a name is judged as that", () => {
    expect(createJudge().fromClient(client(0, inRecords(makeHello({}))))).toEqual(refused("no name"));
  });
});

describe("what the kernel's TCP never sends is refused:", () => {
  test.each([
    ["a packet of a raw socket", { isOfSocket: false }, "raw socket"],
    ["urgent data", { isUrgent: true }, "urgent"],
    ["a hop limit that ends on the way", { hops: 31 }, "hop limit"],
  ])("%s", (_, changes, reason) => {
    const judge = createJudge();
    expect(judge.fromClient(client(0, HELLO, changes))).toEqual(refused(reason));
    judge.fromClient(client(0, HELLO));
    expect(judge.fromClient(client(0, HELLO, changes))).toEqual(refused(reason));
    expect(judge.figures().flows).toBe(0);
  });

  test("other octets under the same numbers, while the first are not acknowledged", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    expect(judge.fromClient(client(0, helloFor(EVIL)))).toEqual(refused("other octets"));
    expect(judge.fromServer(answer(HELLO.length))).toEqual(PASS);
  });

  test("octets ahead of the first ones", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    expect(judge.fromClient(client(-10, HELLO, { isBegun: true }))).toEqual(refused("ahead of"));
  });

  test("an acknowledgement of what was not judged", () => {
    const judge = createJudge();
    judge.fromClient(client(0, HELLO));
    expect(judge.fromServer(answer(HELLO.length + 2))).toEqual(refused("not judged"));
  });
});

test("a segment whose forerunner was lost is dropped, and comes again", () => {
  const judge = createJudge();
  judge.fromClient(client(0, HELLO.subarray(0, 10)));
  expect(judge.fromClient(client(20, HELLO.subarray(20)))).toEqual({ kind: "drop" });
  expect(judge.fromClient(client(10, HELLO.subarray(10, 20)))).toEqual(PASS);
  expect(judge.fromClient(client(20, HELLO.subarray(20)))).toEqual(SHOWS);
});

test("a packet of which not all was copied is dropped until its flow is judged, and comes again", () => {
  const judge = createJudge();
  expect(judge.fromClient(client(0, HELLO.subarray(0, 9), { octets: 100 }))).toEqual({ kind: "drop" });
  expect(judge.fromClient(client(0, HELLO))).toEqual(SHOWS);
  expect(judge.fromClient(client(HELLO.length, EARLY, { octets: 60_000 }))).toEqual({ kind: "drop" });
  expect(judge.fromClient(client(HELLO.length, EARLY))).toEqual(PASS);
});

test("a SYN goes without its data", () => {
  expect(createJudge().fromClient(client(0, HELLO, { isSyn: true }))).toEqual({ kind: "reopened" });
});

test("another protocol is told as that, and verified", () => {
  const judge = createJudge();
  expect(judge.fromClient(client(0, "SSH-2.0-x\r\n"))).toEqual(BEGINS);
  expect(judge.fromServer(answer(11))).toEqual({ kind: "verified", name: undefined });
});

const get = (host: string, ...fields: readonly string[]): string =>
  ["GET / HTTP/1.1", `Host: ${host}`, ...fields, "", ""].join("\r\n");

describe("HTTP", () => {
  test("is judged at each request of a connection, and never verified", () => {
    const judge = createJudge();
    const first = get(GOOD, "Content-Length: 3") + "abc";
    const second = get(GOOD);
    expect(judge.fromClient(client(0, first))).toEqual(BEGINS);
    expect(judge.fromServer(answer(first.length, "HTTP/1.1 200 OK\r\n"))).toEqual(PASS);
    expect(judge.fromClient(client(first.length, second))).toEqual(PASS);
    const at = first.length + second.length;
    expect(judge.fromClient(client(at, get(EVIL)))).toMatchObject({ kind: "refused", name: EVIL });
  });

  test("is refused if one of several requests in a packet shows another name", () => {
    expect(createJudge().fromClient(client(0, get(GOOD) + get(EVIL)))).toMatchObject({ name: EVIL });
  });

  test("is the same while a head is not acknowledged", () => {
    const judge = createJudge();
    const first = get(GOOD);
    judge.fromClient(client(0, first));
    judge.fromServer(answer(first.length));
    judge.fromClient(client(first.length, get(GOOD)));
    expect(judge.fromClient(client(first.length, get(EVIL)))).toEqual(refused("other octets"));
  });

  test("of more than four GiB has its last head judged, too", () => {
    const judge = createJudge();
    const head = get(GOOD, "Content-Length: 5000000000");
    judge.fromClient(client(0, head));
    let at = head.length;
    const piece = Buffer.alloc(50_000_000);
    for (let sent = 0; sent < 5_000_000_000; sent += piece.length, at += piece.length) {
      judge.fromClient(client(at, piece));
      judge.fromServer(answer(at));
    }
    expect(judge.figures().octets).toBeLessThan(100);
    expect(judge.fromClient(client(at, get(EVIL)))).toMatchObject({ name: EVIL });
  });

  test("that becomes a WebSocket is verified then", () => {
    const judge = createJudge();
    const head = get(GOOD, "Connection: Upgrade", "Upgrade: websocket");
    judge.fromClient(client(0, head));
    expect(judge.fromServer(answer(head.length))).toEqual(PASS);
    const verdict = judge.fromServer(answer(head.length, "HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    expect(verdict).toEqual({ kind: "verified", name: GOOD });
  });
});

/**
 * A sender that may send any octets under any numbers and have any of them lost, a far end that keeps what
 * comes first, acknowledgements that may be lost, and a sidecar that may be started again. Whatever they do,
 * the far end never has a hello whose name is not allowed.
 */
test("no far end ever reads a name that was not judged", () => {
  const texts = [HELLO, helloFor(EVIL), Buffer.concat([HELLO.subarray(0, 60), helloFor(EVIL)])];
  const event = record({
    text: constantFrom(...texts),
    at: integer({ min: 0, max: HELLO.length }),
    size: integer({ min: 1, max: HELLO.length }),
    isNext: boolean(),
    isLost: boolean(),
    isAnswered: boolean(),
    restarts: integer({ min: 0, max: 30 }),
  });
  const outcomes = sample(array(event, { minLength: 4, maxLength: 24 }), 4000).map((events) => {
    let judge = createJudge();
    let isBegun = false;
    let sent = 0;
    const far: (number | undefined)[] = [];
    const readable = (): Buffer => {
      const end = Array.from(far, (octet) => octet === undefined).indexOf(true);
      return Buffer.from((end === -1 ? far : far.slice(0, end)).map((octet) => octet ?? 0));
    };
    for (const { text, at, size, isNext, isLost, isAnswered, restarts } of events) {
      if (restarts === 0) judge = createJudge();
      const place = isNext ? sent : at;
      const data = text.subarray(place, place + size);
      if (data.length === 0) continue;
      const verdict = judge.fromClient(client(place, data, { isBegun }));
      if (verdict.kind === "refused") return "refused";
      if (verdict.kind !== "pass" && verdict.kind !== "hello") continue;
      isBegun ||= verdict.kind === "hello" || verdict.isBegun;
      sent = Math.max(sent, place + data.length);
      if (!isLost) for (const [index, octet] of data.entries()) far[place + index] ??= octet;
      const shown = readFirstOctets(readable());
      if (shown.kind === "tls" && shown.name !== GOOD) return "read";
      if (!isAnswered) continue;
      const answered = judge.fromServer(accepts(readable().length));
      if (answered.kind === "refused") return "refused";
      if (answered.kind === "verified") return shown.kind === "tls" ? "verified" : "verified too early";
    }
    return "pending";
  });
  const counts = Object.groupBy(outcomes, (outcome) => outcome);
  expect(Object.keys(counts).toSorted()).toEqual(["pending", "refused", "verified"]);
});
