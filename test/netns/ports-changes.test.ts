/**
 * Changes of rules with ports while flows are open: a flow whose port goes is cut, and no other; what PATCH
 * and DELETE do holds in the kernel, also after a restart.
 */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { urlAt } from "../support/curl.ts";
import { type Download, startDownload } from "../support/download.ts";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

// The web server has ports 80 and 8080. No address runs out within a test.
const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar();
});

async function change(method: string, body: unknown): Promise<void> {
  const answer = await sidecar.api(method, "/policy", { body });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
}

const policyIs = (...egress: readonly object[]): Promise<void> => change("PUT", { egress });

const ONE = "one.example.org";
const TWO = "two.example.org";
/** The sidecar's own probes are none. */
const questionsOfOne = (): number =>
  lab.upstream.questions().filter(({ qname }) => qname.toLowerCase() === ONE).length;
const REFUSED = { exitCode: 7 };
const SERVED = { status: 200 };

function at(place: string, port: number, path = "/"): string {
  const host = /^[\d.]+$|:/.test(place) ? new URL(urlOf(place)).host : place;
  return `http://${host}:${port}${path}`;
}

/** At the address that a lookup before has opened. */
const again = (name: string, address: string, port: number) => lab.curl(...urlAt(address, at(name, port)));

/** Makes the change; how many of these it has ended, and how many go on. */
async function cuts(act: () => Promise<void>, cut: readonly Download[], kept: readonly Download[]) {
  await act();
  for (const one of cut) await until("a flow that is denied has ended", () => one.hasEnded());
  for (const one of kept) {
    const before = one.octets();
    await until("a flow that is allowed goes on", () => one.hasEnded() || one.octets() > before + 4_096);
  }
  const left = kept.filter((one) => !one.hasEnded());
  for (const one of kept) await one.stop();
  return { cut: cut.filter((one) => one.hasEnded()).length, kept: left.length };
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  async function open(place: string, port: number): Promise<Download> {
    const download = await startDownload(lab, at(place, port, "/slow"), family.flag);
    expect(download.octets()).toBeGreaterThan(0);
    return download;
  }
  const ask = (place: string, port: number) => lab.curl(family.flag, at(place, port));

  test("a port of an address that goes takes its flows with it, and no others", async () => {
    const [place, other] = [family.nameless, family.two];
    await policyIs(
      { action: "allow", target: place, ports: [80, 8080] },
      { action: "allow", target: other, ports: [8080] },
    );
    const cut = await open(place, 8080);
    const kept = [await open(place, 80), await open(other, 8080)];
    const next = { action: "allow", target: place, ports: [80] };
    const after = () => policyIs(next, { action: "allow", target: other, ports: [8080] });
    expect(await cuts(after, [cut], kept)).toEqual({ cut: 1, kept: 2 });
    expect(await ask(place, 8080)).toMatchObject(REFUSED);
  });

  test("a port of every destination that goes does the same", async () => {
    await policyIs({ action: "allow", ports: [80, 8080] });
    const cut = [await open(ONE, 8080), await open(family.nameless, 8080)];
    const kept = [await open(ONE, 80), await open(family.nameless, 80)];
    const after = () => policyIs({ action: "allow", ports: [80] });
    expect(await cuts(after, cut, kept)).toEqual({ cut: 2, kept: 2 });
  });

  test("a port that is denied ahead of all cuts it everywhere, and its removal opens it without a lookup", async () => {
    await policyIs({ action: "allow", target: ONE }, { action: "allow", target: TWO });
    const cut = [await open(ONE, 8080), await open(TWO, 8080)];
    const kept = [await open(ONE, 80), await open(TWO, 80)];
    const deny = () => change("PATCH", [{ action: "deny", ports: [8080] }]);
    expect(await cuts(deny, cut, kept)).toEqual({ cut: 2, kept: 2 });
    expect(await ask(ONE, 8080)).toMatchObject(REFUSED);
    const asked = questionsOfOne();
    await change("DELETE", [{ ports: [8080] }]);
    expect(await again(ONE, family.one, 8080)).toMatchObject(SERVED);
    expect(questionsOfOne()).toBe(asked);
  });

  test("one of two names on an address that loses its port takes its own flows, by the address's ports", async () => {
    const [a, b] = ["a.wild.example.org", "b.wild.example.org"];
    await policyIs(
      { action: "allow", target: a, ports: [80] },
      { action: "allow", target: b, ports: [8080] },
    );
    const cut = await open(b, 8080);
    const kept = await open(a, 80);
    const remove = () => change("DELETE", [{ target: b, ports: ["8080-8080"] }]);
    expect(await cuts(remove, [cut], [kept])).toEqual({ cut: 1, kept: 1 });
    expect(await again(a, family.wild, 80)).toMatchObject(SERVED);
    expect(await again(b, family.wild, 8080)).toMatchObject(REFUSED);
  });

  test("a rule without ports takes the place of those with, and closes or opens all of its target (attack 39)", async () => {
    await policyIs(
      { action: "allow", target: ONE, ports: [80] },
      { action: "deny", target: ONE, ports: [8080] },
      { action: "allow", target: TWO },
    );
    await change("PATCH", [{ action: "allow", target: ONE }]);
    expect(await ask(ONE, 8080)).toMatchObject(SERVED);
    await change("PATCH", [{ action: "deny", target: ONE }]);
    expect(await again(ONE, family.one, 80)).toMatchObject(REFUSED);
    expect(await ask(TWO, 80)).toMatchObject(SERVED);
  });

  test("a restart has the policy, its tag, and what the kernel holds of it; small changes go on from there", async () => {
    await policyIs(
      { action: "allow", target: family.nameless, ports: [80] },
      { action: "allow", target: ONE, ports: ["80-8080"] },
      { action: "deny", ports: [25], protocol: "tcp" },
    );
    expect(await ask(ONE, 8080)).toMatchObject(SERVED);
    const kept = await open(ONE, 80);
    const before = await sidecar.api("GET", "/policy");
    await sidecar.kill("SIGKILL");
    sidecar = await lab.startSidecar();
    const after = await sidecar.api("GET", "/policy");
    expect([after.text, after.headers.etag]).toEqual([before.text, before.headers.etag]);
    expect(await ask(family.nameless, 80)).toMatchObject(SERVED);
    expect(await ask(family.nameless, 8080)).toMatchObject(REFUSED);
    expect(await again(ONE, family.one, 8080)).toMatchObject(SERVED);
    await change("PATCH", [{ action: "deny", target: ONE, ports: [8080] }]);
    expect(await again(ONE, family.one, 8080)).toMatchObject(REFUSED);
    await change("DELETE", [{ target: family.nameless, ports: [80] }]);
    expect(await ask(family.nameless, 80)).toMatchObject(REFUSED);
    expect(kept.hasEnded()).toBe(false);
    await kept.stop();
  });
});
