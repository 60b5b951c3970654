/** Row 27: callers whom an address rule or deny.always denies. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import { createLab, type Lab, SANDBOX_V4, SANDBOX_V6 } from "../support/lab.ts";
import { skipBecause } from "../support/skip.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import {
  attackArgv,
  deniedAddress,
  leaksOf,
  POLICY,
  readOutcome,
  startAccomplice,
  startAttack,
} from "./attack.ts";

const DATA = '"data to a denied host"';
const PORT = "4300";

describe.each(FAMILIES)("$name", (family) => {
  const lab = useLab();
  const callFrom = async (source: string): Promise<string> =>
    (await execIn(lab.internet, attackArgv("callers", ["call", source, family.sandbox, PORT]))).stdout;

  test("without a sidecar one echo request is answered fifty times over", async (context) => {
    skipWithoutFamily(context, lab, family);
    expect(await answersToOnePing(lab, family)).toBeGreaterThan(50);
  });

  describe("under the sidecar", () => {
    let sidecar: Sidecar;
    beforeAll(async () => {
      sidecar = await lab.startSidecar({ policy: POLICY });
    });

    const deny = async (target: string): Promise<void> => {
      const body = [{ action: "deny", target }];
      expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
    };

    test("a host that an address rule denies is not let in, while others are", async (context) => {
      skipWithoutFamily(context, lab, family);
      const [denied, other] = [deniedAddress(family, 71), deniedAddress(family, 72)];
      await using _ = await startAttack(lab, "callers", "serve", family.sandbox, PORT);
      expect(await callFrom(denied)).toContain(DATA);
      await deny(denied);
      let text = "";
      expect(await leaksOf(lab, async () => (text = await callFrom(denied)))).toEqual([]);
      expect(text).toContain('{"what": "connect", "result": "timeout"}');
      expect(await callFrom(other)).toContain(DATA);
    });

    test("a host of deny.always is not let in", async (context) => {
      skipWithoutFamily(context, lab, family);
      const denied = deniedAddress(family, 73);
      await using _ = await startAttack(lab, "callers", "serve", family.sandbox, PORT);
      expect(await callFrom(denied)).toContain(DATA);
      await writeFile(join(lab.stateFolder, "rules", "deny.always"), `${denied}\n`);
      await until("it is let in no more", async () => !(await callFrom(denied)).includes(DATA));
    });

    test("a flow that a host has opened ends once a change denies the host", async (context) => {
      skipWithoutFamily(context, lab, family);
      const [denied, other] = [deniedAddress(family, 74), deniedAddress(family, 75)];
      await using _server = await startAttack(lab, "callers", "serve", family.sandbox, PORT);
      const talk = (source: string) => startAccomplice(lab, "callers", "talk", source, family.sandbox, PORT);
      await using caller = await talk(denied);
      await using neighbour = await talk(other);
      await until("it is answered", () => countOf(caller, "answer") > 2);
      await deny(denied);
      const before = countOf(caller, "answer");
      const leaks = await leaksOf(lab, async () => {
        await until("it is answered no more", () => countOf(caller, "silence") > 3);
        const so = countOf(neighbour, "answer");
        await until("another caller still is", () => countOf(neighbour, "answer") > so + 3);
      });
      // One answer may have been on its way.
      expect(countOf(caller, "answer")).toBeLessThanOrEqual(before + 1);
      expect(leaks.filter(({ destination }) => destination === denied)).toEqual([]);
    });

    test("an operator whom a rule denies still reaches the API, and a denied neighbour the workload", async (context) => {
      skipWithoutFamily(context, lab, family);
      const denied = deniedAddress(family, 76);
      await deny(denied);
      await deny(family.upstream);
      // A denied neighbour's own address has to be learned anew, too.
      for (const place of [lab.sandbox, lab.internet]) await execIn(place, ["ip", "neigh", "flush", "all"]);
      const argv = attackArgv("callers", ["ask", denied, family.sandbox, "18080"]);
      expect(readOutcome(await execIn(lab.internet, argv))).toEqual({ health: "HTTP/1.1 200 OK" });
      await using _ = await startAttack(lab, "callers", "serve", family.sandbox, PORT);
      expect(await callFrom(family.upstream)).toContain(DATA);
    });

    test("a denied host is not let in at the API's port of an address where the API is not", async (context) => {
      skipWithoutFamily(context, lab, family);
      if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
      await using other = await createLab();
      const api = family.name === "IPv4" ? `[${SANDBOX_V6}]` : SANDBOX_V4;
      const env = { OPENSANDBOX_EGRESS_HTTP_ADDR: `${api}:18080` };
      const denied = deniedAddress(family, 78);
      const egress = [{ action: "deny", target: denied }];
      await other.startSidecar({ env, policy: { defaultAction: "deny", egress } });
      await using _ = await startAttack(other, "callers", "serve", family.sandbox, "18080");
      const call = async (source: string): Promise<string> =>
        (await execIn(other.internet, attackArgv("callers", ["call", source, family.sandbox, "18080"])))
          .stdout;
      expect(await call(deniedAddress(family, 79))).toContain(DATA);
      expect(await call(denied)).toContain('{"what": "connect", "result": "timeout"}');
    });

    test("one echo request of a denied host has one answer, the kernel's", async (context) => {
      skipWithoutFamily(context, lab, family);
      expect(await answersToOnePing(lab, family)).toBe(1);
    });
  });
});

const countOf = (caller: JsonServer, event: string): number =>
  caller.lines.filter((line) => line.event === event).length;

/** What leaves for a host that asks for one echo, while the workload has more to say. */
async function answersToOnePing(lab: Lab, family: Family): Promise<number> {
  const denied = deniedAddress(family, 77);
  await using attacker = await startAttack(lab, "neighbours", "echoes", family.sandbox, denied);
  const frames = await lab.canary.during(async () => {
    const ping = attackArgv("callers", ["ping", denied, family.sandbox]);
    expect(readOutcome(await execIn(lab.internet, ping))).toEqual({ ping: "sent" });
    await until("the workload has answered", () => countOf(attacker, "done") === 1);
  });
  return frames.filter(({ destination }) => destination === denied).length;
}
