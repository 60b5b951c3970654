/** Connections that were let through unread, and a change after which only a name opens their address. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { goesOn, hasEnded, startEchoLines, talkLines } from "../support/echo-lines.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const PORT = 2525;
const ONE = "one.example.org";
const allow = (target: string, more: object = {}) => ({ action: "allow", target, ...more });
const deny = (target: string) => ({ action: "deny", target });

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let server: JsonServer;
let sidecar: Sidecar;
beforeAll(async () => {
  server = await startEchoLines(lab, PORT);
  sidecar = await lab.startSidecar({ policy: { egress: [allow(ONE)] } });
});
afterAll(() => server[Symbol.asyncDispose]());

async function change(egress: readonly object[], defaultAction = "deny"): Promise<void> {
  expect(await sidecar.api("PUT", "/policy", { body: { defaultAction, egress } })).toMatchObject({
    status: 200,
  });
}

const at = { ports: [PORT] };
type Rules = (address: string) => readonly object[];
const ADDRESS: Rules = (address) => [allow(ONE), allow(address)];
const CHANGES: readonly [string, Rules, Rules, string?][] = [
  ["the address's rule is deleted", ADDRESS, () => [allow(ONE)]],
  ["it is, and another name denied", ADDRESS, () => [deny("two.example.org"), allow(ONE)]],
  ["its rule with a port is", (address) => [allow(ONE), allow(address, at)], () => [allow(ONE)]],
  ["the default action denies", () => [], () => [allow(ONE)], "allow"],
  ["no rule has `any`", () => [allow(ONE, { ...at, app: "any" })], () => [allow(ONE, at)]],
];

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const look = (): Promise<unknown> => lab.dig("-t", family.qtype, ONE);

  test.each(CHANGES)("ends if %s", async (_, before, after, defaultAction) => {
    await change(before(family.one), defaultAction);
    if (defaultAction !== "allow") await look();
    await using client = await talkLines(lab, family.one, PORT);
    expect(await goesOn(client)).toBe(true);
    if (defaultAction === "allow") await look();
    await change(after(family.one));
    await look();
    await until("it has ended", () => hasEnded(client));
  });

  test.each<[string, Rules, Rules]>([
    ["the address's rule stays", ADDRESS, (address) => [allow(ONE), allow(address), deny("two.example.org")]],
    [
      "the rule with `any` does",
      () => [allow(ONE, { ...at, app: "any" })],
      () => [allow(ONE, { ...at, app: "any" }), deny("two.example.org")],
    ],
  ])("goes on if %s", async (_, before, after) => {
    await change(before(family.one));
    await look();
    await using client = await talkLines(lab, family.one, PORT);
    expect(await goesOn(client)).toBe(true);
    await change(after(family.one));
    expect(await goesOn(client)).toBe(true);
  });
});
