import { describe, expect, test } from "vitest";
import { type LineOutput, createLineSink } from "../../src/audit/line-sink.ts";
import { WAIT_MS } from "../support/limits.ts";

const SUMMARY = {
  dropped: (count: number) => `dropped ${count}\n`,
  counted: (subject: string | undefined, count: number) => `counted ${subject ?? "others"} ${count}\n`,
};

/** A reader that takes nothing until it is told to. */
function createSlowOutput() {
  let text = "";
  let pending: (() => void) | undefined;
  let isOpen = false;
  const output: LineOutput = {
    write(octets, done) {
      const take = (): void => {
        text += octets.toString();
        done(null, octets.length);
      };
      if (isOpen) setImmediate(take);
      else pending = take;
    },
  };
  const open = (): void => {
    isOpen = true;
    pending?.();
  };
  return { output, open, lines: () => text.split("\n").slice(0, -1) };
}

function openOutput(take: LineOutput["write"]): LineOutput {
  return { write: (octets, done) => setImmediate(() => take(octets, done)) };
}

describe("a line sink", () => {
  test("writes lines in order, and drain settles when all are out", async () => {
    const { output, open, lines } = createSlowOutput();
    open();
    const sink = createLineSink(output, SUMMARY);
    const wanted = Array.from({ length: 5000 }, (_, n) => `line ${n}`);
    for (const [n, line] of wanted.entries()) {
      if (n % 2 === 0) sink.ordinary(`${line}\n`);
      else sink.kept(`${line}\n`, undefined);
    }
    await sink.drain(5000);
    expect(lines()).toEqual(wanted);
  });

  test("drops and counts ordinary lines only, while the reader is behind", async () => {
    const { output, open, lines } = createSlowOutput();
    const sink = createLineSink(output, SUMMARY, { ordinaryOctets: 100, keptOctets: 100_000, subjects: 10 });
    for (let n = 0; n < 1000; n += 1) {
      sink.ordinary("allowed\n");
      sink.kept("denied\n", "x");
    }
    open();
    await sink.drain(5000);
    const written = lines();
    expect(written.filter((line) => line === "denied")).toHaveLength(1000);
    const allowed = written.filter((line) => line === "allowed").length;
    expect(allowed).toBeLessThan(10);
    expect(written).toContain(`dropped ${1000 - allowed}`);
  });

  test("accounts for every kept line, by its subject, past the last bound", async () => {
    const { output, open, lines } = createSlowOutput();
    const sink = createLineSink(output, SUMMARY, { ordinaryOctets: 50, keptOctets: 100, subjects: 2 });
    const subjects = ["a", "b", "c", "d", undefined];
    for (let n = 0; n < 1000; n += 1) sink.kept("denied\n", subjects[n % 5]);
    open();
    await sink.drain(5000);
    const counted = lines().filter((line) => line.startsWith("counted"));
    const total = counted.reduce((sum, line) => sum + Number(line.split(" ")[2]), 0);
    expect(counted.map((line) => line.split(" ")[1])).toHaveLength(3);
    expect(counted.at(-1)).toMatch(/^counted others /);
    expect(total + lines().filter((line) => line === "denied").length).toBe(1000);
  });

  test("writes on after a short write and after EAGAIN", async () => {
    let text = "";
    let calls = 0;
    const sink = createLineSink(
      openOutput((octets, done) => {
        calls += 1;
        if (calls % 2 === 0) done(Object.assign(new Error("full"), { code: "EAGAIN" }), 0);
        else {
          text += octets.subarray(0, 4).toString();
          done(null, Math.min(4, octets.length));
        }
      }),
      SUMMARY,
    );
    sink.kept("abcdefghij\n", undefined);
    await sink.drain(5000);
    expect(text).toBe("abcdefghij\n");
  });

  test.each(["ENOSPC", "EDQUOT"])(
    "keeps what a full disk does not take for when there is room (%s)",
    async (code) => {
      let text = "";
      let isFull = false;
      const sink = createLineSink(
        openOutput((octets, done) => {
          if (isFull) {
            isFull = false;
            done(Object.assign(new Error("full"), { code }), 0);
            return;
          }
          // The last that there is room for.
          text += octets.subarray(0, 4).toString();
          isFull = octets.length > 4;
          done(null, Math.min(4, octets.length));
        }),
        SUMMARY,
      );
      sink.kept("abcdefg\n", undefined);
      await sink.drain(5000);
      expect(text).toBe("abcdefg\n");
    },
  );

  test.each(["EPIPE", "EIO"])(
    "keeps what an output in error does not take for when it takes it again (%s)",
    async (code) => {
      let text = "";
      let failures = 3;
      const sink = createLineSink(
        openOutput((octets, done) => {
          if (failures-- > 0) return done(Object.assign(new Error("in error"), { code }), 0);
          text += octets.toString();
          done(null, octets.length);
        }),
        SUMMARY,
      );
      sink.kept("one\n", "x");
      sink.ordinary("two\n");
      await expect.poll(() => text, { timeout: WAIT_MS }).toBe("one\ntwo\n");
    },
  );

  test("begins a torn line again for a pipe's next reader", async () => {
    const texts = ["", ""];
    let reader = 0;
    const sink = createLineSink(
      openOutput((octets, done) => {
        if (reader === 0 && texts[0] !== "") {
          reader = 1;
          return done(Object.assign(new Error("gone"), { code: "EPIPE" }), 0);
        }
        const taken = reader === 0 ? octets.subarray(0, 6) : octets;
        texts[reader] += taken.toString();
        done(null, taken.length);
      }),
      SUMMARY,
    );
    for (const line of ["one\n", "two\n", "three\n"]) sink.kept(line, "x");
    await expect.poll(() => texts, { timeout: WAIT_MS }).toEqual(["one\ntw", "two\nthree\n"]);
  });

  test("accounts for what comes while a pipe has no reader, within its bounds", async () => {
    let isThere = false;
    let text = "";
    const sink = createLineSink(
      openOutput((octets, done) => {
        if (!isThere) return done(Object.assign(new Error("gone"), { code: "EPIPE" }), 0);
        text += octets.toString();
        done(null, octets.length);
      }),
      SUMMARY,
      { ordinaryOctets: 50, keptOctets: 100, subjects: 2 },
    );
    for (let n = 0; n < 1000; n += 1) sink.kept("denied\n", "x");
    isThere = true;
    await expect.poll(() => /counted x (\d+)/.exec(text)?.[1], { timeout: WAIT_MS }).toBeDefined();
    const counted = Number(/counted x (\d+)/.exec(text)?.[1]);
    expect(counted + text.split("denied").length - 1).toBe(1000);
  });

  test("goes on after an output that fails, and drain still settles", async () => {
    const sink = createLineSink(
      openOutput((_octets, done) => done(Object.assign(new Error("gone"), { code: "EPIPE" }), 0)),
      SUMMARY,
    );
    const began = performance.now();
    sink.kept("x\n", undefined);
    await sink.drain(60_000);
    sink.kept("y\n", undefined);
    await sink.drain(60_000);
    expect(performance.now() - began).toBeLessThan(60_000);
  });

  test("stops waiting for a reader that takes nothing", async () => {
    const { output, lines } = createSlowOutput();
    const sink = createLineSink(output, SUMMARY);
    sink.kept("x\n", undefined);
    await sink.drain(20);
    expect(lines()).toEqual([]);
  });
});
