import { format, inspect } from "node:util";
import { pino } from "pino";
import { expect, test } from "vitest";
import { Secret } from "../../src/vault/secret.ts";

const VALUE = "s3cr3t-of-the-test";

test.each<readonly [string, (secret: Secret) => string]>([
  ["a template", (secret) => `${secret}`], // oxlint-disable-line typescript/restrict-template-expressions -- that is the mistake
  ["String()", (secret) => String(secret)],
  ["a list that is joined", (secret) => ["a", secret].join()],
  ["JSON", (secret) => JSON.stringify({ secret })],
  ["util.inspect, hidden fields shown", (secret) => inspect({ secret }, { showHidden: true, depth: 9 })],
  ["util.format", (secret) => format("%s %o %O %j", secret, secret, secret, secret)],
  ["a message of an error", (secret) => new Error(`bad ${secret}`, { cause: secret }).message], // oxlint-disable-line typescript/restrict-template-expressions -- that is the mistake
  [
    "its own keys",
    (secret) => `${Object.entries(secret).join()}${JSON.stringify(Object.assign({}, secret))}[secret]`,
  ],
])("a secret in %s is not shown", (_where, show) => {
  const shown = show(new Secret(VALUE));
  expect(shown).not.toContain(VALUE);
  expect(shown).toContain("[secret]");
});

test("a secret in a log line is not shown", () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const secret = new Secret(VALUE);
  log.info({ secret, nested: { list: [secret] } }, "shown %s %j", secret, secret);
  log.error({ err: new Error("failed", { cause: secret }) });
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toContain(VALUE);
  expect(lines[0]).toContain("[secret]");
});

test("a clone of a secret holds nothing", () => {
  expect(inspect(structuredClone({ secret: new Secret(VALUE) }), { showHidden: true })).not.toContain(VALUE);
});

test("who asks for the value gets it as it was set", () => {
  for (const value of [VALUE, "", " blanks ", "ünïcode \u{1F511}"])
    expect(new Secret(value).reveal()).toBe(value);
});
