import { MAX_PROXY_ANSWER_OCTETS, readProxyAnswer } from "../../../src/intercept/upstream-proxy.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const LINES = [
  "HTTP/1.1 200 Connection established",
  "HTTP/1.0 200",
  "HTTP/1.1 100 Continue",
  "HTTP/1.1 103 Early Hints",
  "HTTP/1.1 101 Switching Protocols",
  "HTTP/1.1 407 Proxy Authentication Required",
  "HTTP/1.1 502 x",
  "HTTP/1.1 2000 x",
  "HTTP/1.1 20",
  "HTTP/2 200",
  "HTTP/1.1  200",
  "http/1.1 200",
  "Content-Length: 9",
  "Transfer-Encoding: chunked",
  "HTTP/1.1 200\rHTTP/1.1 403",
  "\0",
  "",
] as const;
const ENDS = ["\r\n", "\r\n", "\n", "\r", "\r\r\n", "\n\r\n", "\r\n\r\n", ""] as const;

/**
 * What an upstream proxy answers to a CONNECT. What is taken for an open tunnel begins with whole heads, of
 * which the last says 2xx and all others 1xx without 101; what is read does not depend on how it comes.
 */
export const proxyAnswer: Target = {
  name: "proxy-answer",
  seeds: "proxy-answer",
  make(random) {
    const text = Array.from({ length: random.below(12) }, () => makeLine(random)).join("");
    return Buffer.from(random.once(2) ? `HTTP/1.1 200 OK\r\n${text}` : text, "latin1");
  },
  open: async () => plainChecker(check),
};

function makeLine(random: Random): string {
  if (random.once(100)) return `X: ${"x".repeat(random.below(MAX_PROXY_ANSWER_OCTETS + 9))}\r\n`;
  return `${random.pick(LINES)}${random.pick(ENDS)}`;
}

function check(input: Buffer, random: Random): string {
  const whole = told(readProxyAnswer(input));
  const plain = readPlainly(input.toString("latin1"));
  if (whole !== plain) throw new Error(`read as ${whole}, and plainly as ${plain}`);
  const some = told(readProxyAnswer(input.subarray(0, random.below(input.length + 1))));
  if (some !== "incomplete" && some !== whole) throw new Error(`a part is read as ${some}, all as ${whole}`);
  return whole.split(" ")[0] ?? "";
}

function told(answer: ReturnType<typeof readProxyAnswer>): string {
  if (answer.kind === "open") return `open ${answer.end}`;
  return answer.kind === "refused" ? `refused ${answer.status}` : answer.kind;
}

const BEGINNING = "HTTP/1.";
const DIGITS = "0123456789";

/** The same, octet by octet. */
function readPlainly(text: string): string {
  for (let at = 0; ;) {
    for (let n = 0; n < BEGINNING.length && at + n < text.length; n += 1) {
      // What stands behind the bound is not looked at.
      if (at + n < MAX_PROXY_ANSWER_OCTETS && text[at + n] !== BEGINNING[n]) return "strange";
    }
    const lines: string[] = [];
    let next = at;
    for (;;) {
      const feed = text.indexOf("\n", next);
      if (feed === -1 || feed >= MAX_PROXY_ANSWER_OCTETS)
        return text.length >= MAX_PROXY_ANSWER_OCTETS ? "strange" : "incomplete";
      const one = text.slice(next, feed);
      next = feed + 1;
      if (lines.length > 0 && (one === "" || one === "\r")) break;
      lines.push(one);
    }
    const status = statusOf(lines[0] ?? "");
    if (status === undefined || status === 101) return "strange";
    if (status >= 300) return `refused ${status}`;
    if (status >= 200) return `open ${next}`;
    at = next;
  }
}

/** Of `HTTP/1.N NNN`, and nothing, a blank or a carriage return behind it. */
function statusOf(line: string): number | undefined {
  const isDigit = (at: number): boolean => at < line.length && DIGITS.includes(line[at] ?? "");
  const isRead = isDigit(7) && line[8] === " " && isDigit(9) && isDigit(10) && isDigit(11);
  const behind = line[12] ?? " ";
  const status = Number(line.slice(9, 12));
  return isRead && (behind === " " || behind === "\r") && status >= 100 && status < 600 ? status : undefined;
}
