/**
 * Row 12: a flow that waits when a change denies it. No packet would have it judged again, so its socket is
 * ended.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { startAttack } from "./attack.ts";

const NAMES = ["one.example.org", "two.example.org", "*.wild.example.org"];
const POLICY = { egress: NAMES.map((target) => ({ action: "allow", target })) };
const endedShape = z.object({ flow: z.string(), how: z.string() });

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({ policy: POLICY });
});

async function change(method: string, body: unknown): Promise<void> {
  expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 200 });
}

const endsOf = (flows: JsonServer): Record<string, string> =>
  Object.fromEntries(
    flows.lines
      .filter(({ event }) => event === "ended")
      .map((line) => endedShape.parse(line))
      .map(({ flow, how }) => [flow, how]),
  );

/** Idle flows to the address, with a caller from outside that never says a word. */
async function startIdle(family: Family, address: string): Promise<JsonServer> {
  await using made = new AsyncDisposableStack();
  const flows = made.use(await startAttack(lab, "flows", "idle", address, family.sandbox));
  const caller = await startJsonServer(lab.internet, [
    "python3",
    "-c",
    `import socket, sys
one = socket.create_connection((sys.argv[1], 9300))
print('{"event": "ready"}', flush=True)
sys.stdin.read()`,
    family.sandbox,
  ]);
  made.use(caller);
  await until("the caller is heard", () => flows.lines.some(({ event }) => event === "called"));
  const kept = made.move();
  return { ...flows, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Flows to the far end, by the names that `flows.py idle` gives them. */
const outward = (family: Family): readonly string[] =>
  family.name === "IPv4" ? ["mapped", "tcp", "udp"] : ["tcp", "udp"];

/** How flows ended, once as many have as lead outward. */
async function firstEnds(flows: JsonServer, family: Family): Promise<Record<string, string>> {
  return until("blocked readers wake up", () => {
    const found = endsOf(flows);
    return Object.keys(found).length >= outward(family).length && found;
  });
}

/** Those that lead outward, and no other: what a caller has opened and what never leaves goes on. */
const aborted = (family: Family): Record<string, string> =>
  Object.fromEntries(outward(family).map((flow) => [flow, "ECONNABORTED"]));

describe.each(FAMILIES)("$name", (family) => {
  test("readers of a denied name's address wake up at once, callers and loopback wait on", async (context) => {
    skipWithoutFamily(context, lab, family);
    await change("PUT", POLICY);
    for (const name of ["one", "two"]) await lab.dig("-t", family.qtype, `${name}.example.org`);
    await using denied = await startIdle(family, family.one);
    await change("PATCH", [{ action: "deny", target: "one.example.org" }]);
    expect(await firstEnds(denied, family)).toEqual(aborted(family));
  });

  test("so do those whose flow conntrack has forgotten, and no others", async (context) => {
    skipWithoutFamily(context, lab, family);
    await change("PUT", POLICY);
    await lab.dig("-t", family.qtype, "one.example.org");
    await using denied = await startIdle(family, family.one);
    await execIn(lab.sandbox, ["conntrack", "-F"]);
    await change("PATCH", [{ action: "deny", target: "one.example.org" }]);
    expect(await firstEnds(denied, family)).toEqual(aborted(family));
    const left = await sidecar.api("GET", "/healthz");
    expect(left).toMatchObject({ status: 200 });
    expect((await lab.dig("-t", family.qtype, "two.example.org")).addresses).toEqual([family.two]);
    expect(endsOf(denied)).toEqual(aborted(family));
  });

  test("an address rule that goes wakes them up, too", async (context) => {
    skipWithoutFamily(context, lab, family);
    await change("PUT", { egress: [{ action: "allow", target: family.nameless }] });
    await using denied = await startIdle(family, family.nameless);
    await change("DELETE", [family.nameless]);
    expect(await firstEnds(denied, family)).toEqual(aborted(family));
  });

  test("idle flows to another address, and to the same one by another allowed name, are left alone", async (context) => {
    skipWithoutFamily(context, lab, family);
    await change("PUT", POLICY);
    for (const name of ["one", "two", "a.wild", "b.wild"])
      await lab.dig("-t", family.qtype, `${name}.example.org`);
    await using denied = await startIdle(family, family.one);
    // Its own caller and loopback flows are the first program's.
    const others = await Promise.all(
      [
        [family.two, "two.example.org"],
        [family.wild, "b.wild.example.org"],
      ].map((flows) => startAttack(lab, "flows", "hold", ...flows)),
    );
    await change("PATCH", [
      { action: "deny", target: "one.example.org" },
      { action: "deny", target: "a.wild.example.org" },
    ]);
    expect(await firstEnds(denied, family)).toEqual(aborted(family));
    const { stdout } = await execIn(lab.sandbox, ["ss", "-tnH", "state", "established"]);
    for (const address of [family.two, family.wild]) expect(stdout).toContain(address);
    for (const other of others) {
      expect(endsOf(other)).toEqual({});
      await other[Symbol.asyncDispose]();
    }
  });
});
