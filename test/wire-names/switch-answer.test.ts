import { expect, test } from "vitest";
import { readSwitchAnswer, type SwitchAnswer } from "../../src/wire-names/switch-answer.ts";

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";

const whole: readonly (readonly [string, string, SwitchAnswer])[] = [
  ["an agreement", SWITCHING, "switches"],
  ["an agreement without a reason", "HTTP/1.1 101\r\n\r\n", "switches"],
  ["one behind interim answers", `HTTP/1.1 100 Continue\r\n\r\n${HINTS}${SWITCHING}`, "switches"],
  ["another answer", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 x", "declines"],
  ["another answer behind an interim one", `${HINTS}HTTP/1.1 200 OK\r\n\r\n`, "declines"],
  ["one of HTTP/1.0", "HTTP/1.0 101 Switching\r\n\r\n", "declines"],
  ["a status of four digits", "HTTP/1.1 1010 x\r\n\r\n", "declines"],
  ["something else", "SSH-2.0-x\r\n", "declines"],
  [
    "an interim answer whose lines some read differently",
    `HTTP/1.1 103 x\r\na: \n\n${SWITCHING}`,
    "declines",
  ],
];

test.each(whole)("%s is known as that with its last octet, and never as the opposite", (_, text, said) => {
  expect(readSwitchAnswer(Buffer.from(text))).toBe(said);
  const before = Array.from(text, (_octet, length) => readSwitchAnswer(Buffer.from(text.slice(0, length))));
  expect(before.filter((one) => one !== "incomplete" && one !== said)).toEqual([]);
});

test("the beginning of a status line is no answer yet", () => {
  expect(readSwitchAnswer(Buffer.from(""))).toBe("incomplete");
  expect(readSwitchAnswer(Buffer.from("HTTP/1.1 1"))).toBe("incomplete");
  expect(readSwitchAnswer(Buffer.from("HTTP/1.1 2"))).toBe("declines");
});
