import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Demand, ShownName } from "../../src/wire-names/flow-state.ts";
import { guessApp, readApp, readOpening } from "../../src/wire-names/opening.ts";
import { accepts, answer, BEGINS, client, createJudge, EVIL, GOOD, PASS } from "./judge-bench.ts";
import { helloFor } from "./make-hello.ts";

const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))),
  );
const LINE = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
const KEXINIT = [0, 0, 1, 0xf4, 4, 20];
const SSH = bytes(LINE, KEXINIT);
const [SSL_REQUEST, GSS_REQUEST] = [
  [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f],
  [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30],
];
const startup = (parameters: string, version: readonly number[] = [0, 3, 0, 0]): Buffer =>
  bytes([0, 0, 0, 8 + parameters.length], version, parameters);
const STARTUP = startup("user\0alice\0database\0\0\0");
const CANCEL = bytes([0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e], [0, 0, 0, 1, 0, 0, 0, 2]);

describe("how a client begins", () => {
  test.each([
    ["SSH", SSH, "ssh", SSH.length],
    ["SSH with more", bytes(LINE, KEXINIT, "more"), "ssh", SSH.length],
    ["SSH whose line ends with LF alone", bytes("SSH-2.0-x\n", KEXINIT), "ssh", 16],
    ["PostgreSQL", STARTUP, "postgres", STARTUP.length],
    ["PostgreSQL, a later minor version", startup("user\0a\0\0", [0, 3, 0, 2]), "postgres", 16],
    [
      "PostgreSQL behind requests",
      bytes(GSS_REQUEST, SSL_REQUEST, [...STARTUP]),
      "postgres",
      16 + STARTUP.length,
    ],
    ["a request to cancel", CANCEL, "postgres", 16],
  ])("%s", (_what, octets, kind, end) => {
    expect(readOpening(octets)).toEqual({ kind, end });
    for (let length = 0; length < end; length += 1)
      expect(readOpening(octets.subarray(0, length)).kind).toBe("incomplete");
  });

  test.each([
    ["text behind SSH's line", bytes(LINE, "GET / HTTP/1.1\r\n")],
    ["another first packet", bytes(LINE, [0, 0, 0, 20, 4, 21])],
    ["a short first packet", bytes(LINE, [0, 0, 0, 11, 4, 20])],
    ["a long first packet", bytes(LINE, [0, 0, 0x88, 0xb9, 4, 20])],
    ["little padding", bytes(LINE, [0, 0, 1, 0xf4, 3, 20])],
    ["version 1 of SSH", bytes("SSH-1.99-x\r\n", KEXINIT)],
    ["a control character in SSH's line", bytes("SSH-2.0-x\0y\r\n", KEXINIT)],
    ["CR in SSH's line", bytes("SSH-2.0-x\ry\r\n", KEXINIT)],
    ["a line of 256 octets", bytes(`SSH-2.0-${"x".repeat(246)}\r\n`, KEXINIT)],
    ["a line that does not end", bytes(`SSH-2.0-${"x".repeat(300)}`)],
    ["version 2 of PostgreSQL's protocol", startup("user\0a\0\0", [0, 2, 0, 0])],
    ["a StartupMessage without a user", startup("database\0shop\0\0")],
    ["a StartupMessage without its end", startup("user\0alice\0")],
    ["a name without a value", startup("user\0\0")],
    ["an empty name ahead of others", startup("user\0a\0\0b\0\0")],
    ["a StartupMessage that is too long", bytes([0, 0, 0x27, 0x11], [0, 3, 0, 0])],
    ["a StartupMessage without parameters", startup("")],
    ["a long request to cancel", bytes([0, 0, 1, 0x0d, 0x04, 0xd2, 0x16, 0x2e])],
    ["GSSAPI behind its request", bytes(GSS_REQUEST, [0, 0, 2, 0, 0x60, 1, 2, 3])],
    ["five requests", bytes(...Array.from({ length: 5 }, () => SSL_REQUEST), [...STARTUP])],
    ["SSH behind a request", bytes(SSL_REQUEST, [...SSH])],
    ["text", bytes("EHLO there\r\n")],
  ])("%s is none", (_what, octets) => {
    expect(readOpening(octets)).toEqual({ kind: "other" });
  });

  test("never throws, and what is not incomplete stays what it is whatever follows", () => {
    const anyOctets = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(
          fc.constantFrom(SSH, STARTUP, bytes(SSL_REQUEST), CANCEL),
          fc.nat(40),
          fc.uint8Array({ maxLength: 20 }),
        )
        .map(([text, cut, more]) => Buffer.concat([text.subarray(0, cut), more])),
    );
    fc.assert(
      fc.property(anyOctets, fc.uint8Array({ maxLength: 20 }), (octets, more) => {
        const found = readOpening(Buffer.from(octets));
        if (found.kind === "incomplete") return;
        expect(readOpening(Buffer.concat([octets, more]))).toEqual(found);
      }),
    );
  });

  test("is told of who is refused, as far as it can be", () => {
    expect(guessApp("other", bytes(LINE))).toBe("ssh");
    expect(guessApp("other", bytes(SSL_REQUEST, [0]))).toBe("postgres");
    expect(guessApp("other", bytes("EHLO\r\n"))).toBe("other");
    expect(guessApp("tls", helloFor(GOOD))).toBeUndefined();
    expect(readApp("tls", bytes(SSL_REQUEST, [...helloFor(GOOD)]))).toBe("postgres");
  });
});

const judging = (demand: Demand, allowed: string) =>
  createJudge({
    findDemand: () => demand,
    findFault: ({ app, name }: ShownName) =>
      `${app} ${name ?? ""}`.trim() === allowed ? undefined : `${app} is not allowed`,
  });

describe("a flow of which rules ask what it speaks", () => {
  test.each([1, 7, 1000])("is verified once its beginning is acknowledged, in segments of %i", (size) => {
    for (const [app, octets] of [
      ["ssh", SSH],
      ["postgres", STARTUP],
    ] as const) {
      const judge = judging("app", app);
      expect(judge.fromServer(answer(0, "a server that speaks first"))).toEqual(PASS);
      for (let at = 0; at < octets.length; at += size) {
        const verdict = judge.fromClient(client(at, octets.subarray(at, at + size)));
        expect(verdict).toEqual(at === 0 ? BEGINS : PASS);
      }
      expect(judge.fromServer(answer(octets.length - 1))).toEqual(PASS);
      expect(judge.fromServer(answer(octets.length))).toEqual({ kind: "verified", name: undefined, app });
    }
  });

  test("is refused by the segment that shows something else", () => {
    const judge = judging("app", "ssh");
    expect(judge.fromClient(client(0, LINE))).toEqual(BEGINS);
    expect(judge.fromServer(answer(LINE.length, "SSH-2.0-server\r\n"))).toEqual(PASS);
    const verdict = judge.fromClient(client(LINE.length, "GET / HTTP/1.1\r\n\r\n"));
    expect(verdict).toEqual({
      kind: "refused",
      name: undefined,
      app: "other",
      reason: "other is not allowed",
    });
  });

  test("may not say other octets under the same numbers before the far end has them", () => {
    const judge = judging("app", "ssh");
    judge.fromClient(client(0, SSH));
    const other = bytes("GET-2.0-", SSH.toString("latin1").slice(8));
    expect(judge.fromClient(client(0, other, { isBegun: true }))).toMatchObject({ kind: "refused" });
  });

  test("shows PostgreSQL's TLS by its name", () => {
    const hello = bytes(SSL_REQUEST, [...helloFor(GOOD)]);
    const judge = judging("app", `postgres ${GOOD}`);
    expect(judge.fromClient(client(0, hello))).toMatchObject({ kind: "hello", name: GOOD, app: "postgres" });
    expect(judge.fromServer(accepts(hello.length))).toEqual({
      kind: "verified",
      name: GOOD,
      app: "postgres",
    });
    const evil = bytes(SSL_REQUEST, [...helloFor(EVIL)]);
    expect(judging("app", `postgres ${GOOD}`).fromClient(client(0, evil))).toMatchObject({ name: EVIL });
    expect(judging("app", `tls ${GOOD}`).fromClient(client(0, hello))).toMatchObject({ kind: "refused" });
  });

  test("is verified at once where nothing is asked, but not if its first packet is odd", () => {
    const judge = judging("nothing", "");
    expect(judge.fromClient(client(0, "anything"))).toEqual({ kind: "verified", name: undefined });
    expect(judge.fromClient(client(0, "anything", { flow: "2", hops: 3 }))).toMatchObject({
      kind: "refused",
    });
    expect(judge.figures()).toEqual({ flows: 0, octets: 0 });
  });
});
