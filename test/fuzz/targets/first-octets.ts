import { readFirstOctets } from "../../../src/wire-names/first-octets.ts";
import type { Shown } from "../../../src/wire-names/shown.ts";
import { inRecords, makeHello, serverName } from "../../wire-names/make-hello.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, readAnywhere, type Target } from "../engine/target.ts";

const NAMES = ["example.org", "api.example.org", "Example.NET.", "192.0.2.1", "a b", ""] as const;
const LINES = [
  "GET / HTTP/1.1",
  "POST http://example.org/ HTTP/1.1",
  "HEAD / HTTP/1.0",
  "GET /",
  "EHLO x",
  "A\0 / HTTP/1.1",
  "1 - / HTTP/1.1",
  '<1>a "GET / HTTP/1.1" 200',
] as const;
const FIELDS = [
  "Host: example.org",
  "Host: example.net:80",
  "host : example.net",
  "Content-Length: 3",
  "Transfer-Encoding: chunked",
  "Upgrade: websocket",
  " folded",
] as const;

/**
 * What a client says first: the name that is read is the only one that an easy-going server could find there,
 * and stays it however the octets are cut.
 */
export const firstOctets: Target = {
  name: "first-octets",
  seeds: "first-octets",
  make: (random) => (random.once(2) ? makeTls(random) : makeText(random)),
  open: async () =>
    plainChecker((input, random) => {
      const shown = readAnywhere(input, (octets, start, end) => readFirstOctets(octets.subarray(start, end)));
      checkCut(input, shown, random.below(input.length + 1));
      checkNames(input, shown);
      return shown.kind;
    }),
};

function checkCut(input: Buffer, shown: Shown, cut: number): void {
  const early = readFirstOctets(input.subarray(0, cut));
  const fault =
    findFault(early, shown) ?? (endOf(shown) > input.length ? "ends behind what there is" : undefined);
  if (fault !== undefined)
    throw new Error(`${fault}: ${JSON.stringify(early)} after ${cut} octets, then ${JSON.stringify(shown)}`);
}

/** What a reading of the first octets and one of all of them must not differ by. */
export function findFault(early: Shown, shown: Shown): string | undefined {
  if (early.kind === "incomplete") {
    const isTaken = early.name !== undefined && shown.kind === "tls" && shown.name !== early.name;
    return isTaken ? "another name than before" : undefined;
  }
  const isSame =
    early.kind === "refused" ? shown.kind === "refused" : JSON.stringify(early) === JSON.stringify(shown);
  return isSame ? undefined : "shows something else than before";
}

export function endOf(shown: Shown): number {
  return shown.kind === "tls" || shown.kind === "http" ? shown.end : 0;
}

function checkNames(input: Buffer, shown: Shown): void {
  if (shown.kind === "incomplete" || shown.kind === "refused") return;
  const found = [...plainServerNames(input.toString("hex")), ...plainHosts(input.toString("latin1"))];
  const expected = shown.kind === "other" || shown.name === undefined ? [] : [shown.name];
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`shows ${JSON.stringify(expected)}, an easy-going server finds ${JSON.stringify(found)}`);
}

/** All server names of a hello, in hexadecimal digits: whatever versions and record types say. */
function plainServerNames(stream: string): readonly string[] {
  let message = "";
  for (let rest = stream; /^1[4-8]0|^16/.test(rest);) {
    const digits = 2 * Number.parseInt(rest.slice(6, 10), 16);
    if (rest.startsWith("16")) message += rest.slice(10, 10 + digits);
    rest = Number.isNaN(digits) ? "" : rest.slice(10 + digits);
  }
  if (!message.startsWith("01")) return [];
  const whole = message.slice(8, 8 + 2 * Number.parseInt(message.slice(2, 8), 16));
  let extensions = behind(behind(behind(whole.slice(68), 2), 4), 2).slice(4);
  const names: string[] = [];
  for (; extensions.length >= 8; extensions = behind(extensions.slice(4), 4)) {
    const digits = 2 * Number.parseInt(extensions.slice(4, 8), 16);
    if (!extensions.startsWith("0000")) continue;
    names.push(
      Buffer.from(extensions.slice(18, 8 + digits), "hex")
        .toString("latin1")
        .toLowerCase(),
    );
  }
  return names;
}

/** What stands behind a vector, whose length is told in so many digits. */
function behind(text: string, sizeDigits: number): string {
  return text.slice(sizeDigits + 2 * Number.parseInt(text.slice(0, sizeDigits), 16));
}

/**
 * All Hosts of a request's head that has ended, by whatever lines end; addresses are no names. A method of
 * letters has its version anywhere, another one where a word begins.
 */
function plainHosts(stream: string): readonly string[] {
  const [head = "", ...others] = stream.split(/\r\n\r\n|\n\n|\r\r/);
  const [line = "", ...lines] = head.trimStart().split(/\r\n|\n|\r/);
  if (others.length === 0 || !PLAIN_REQUEST.test(line)) return [];
  return lines.flatMap((text) => {
    const value = /^host\s*:\s*(.*?)(?:\.?:\d+|\.)?\s*$/i.exec(text)?.[1];
    return value === undefined || /^[\d.]+$|^\[/.test(value) ? [] : [value.toLowerCase()];
  });
}

const PLAIN_REQUEST = /^(?:[a-z]+\s+[\x21-\xff].*HTTP\/1|[\x21-\xff]+\s+[\x21-\xff].*\sHTTP\/1\.\d\s*$)/i;

export function makeTls(random: Random): Buffer {
  const serverNames = Array.from({ length: random.once(4) ? random.below(3) : 1 }, () =>
    serverName(random.pick(NAMES), random.once(8) ? 1 : 0),
  );
  const message = makeHello({
    serverNames,
    ...(random.once(2) ? { ahead: random.below(300) } : {}),
    ...(random.once(2) ? { behind: random.below(300) } : {}),
  });
  const octets = inRecords(message, random.once(3) ? 1 + random.below(40) : 16_384);
  return random.once(6) ? Buffer.concat([Buffer.of(21, 3, 1, 0, 2, 1, 0), octets]) : octets;
}

function makeText(random: Random): Buffer {
  const fields = Array.from({ length: random.below(4) }, () => random.pick(FIELDS));
  const end = random.once(6) ? "\n" : "\r\n";
  const lines = [random.pick(LINES), ...(random.once(3) ? [] : ["Host: example.org"]), ...fields, "", ""];
  return Buffer.from(`${random.once(8) ? "\r\n" : ""}${lines.join(end)}`);
}
