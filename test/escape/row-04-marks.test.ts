/** Row 4: SO_MARK and SO_PRIORITY open nothing, and ours can't be read. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { attack, deniedAddress, leaksOf, POLICY, questionsOf, startAttack } from "./attack.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await createLab();
  await lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: lab.ipv6 ? "192.0.2.1,[2001:db8::1]:53" : "192.0.2.1" },
  });
});
afterAll(() => lab[Symbol.asyncDispose]());

describe.each(FAMILIES)("row 4, $name", (family) => {
  test("no mark or priority that the workload sets opens anything", async (context) => {
    skipWithoutFamily(context, lab, family);
    let leaks: unknown;
    const asked = await questionsOf(lab, async () => {
      leaks = await leaksOf(lab, () =>
        attack(lab, "marks", "sweep", deniedAddress(family, 41), family.upstream, "secret.three.example.org"),
      );
    });
    expect(leaks).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("no socket sees a mark or priority of the sidecar's packets", async (context) => {
    skipWithoutFamily(context, lab, family);
    await using watch = await startAttack(lab, "marks", "watch");
    const seen = () => watch.lines.slice(1);
    for (let n = 0; n < 20; n++) await lab.dig(`@${family.upstream}`, `${family.name}${n}.wild.example.org`);
    await lab.dig(`@${family.upstream}`, "+tcp", "tcp.wild.example.org");
    await sleep(100);
    expect(seen()).toEqual([]);
    // The tap itself works: it sees a mark of its own.
    const loopback = family.name === "IPv4" ? "127.0.0.1" : "::1";
    await attack(lab, "marks", "mark-own", "305419896", "6", loopback, "9");
    await until("the tap sees it", () => seen().length > 0);
  });
});
