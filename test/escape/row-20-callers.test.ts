/**
 * Row 20: the kernel is made to believe that a denied host spoke first. Row 27: a host that a change has
 * denied calls back.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execIn, writeSysctl } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, attackArgv, deniedAddress, leaksOf, macOf, POLICY, startAttack } from "./attack.ts";

const lab = useLab();
let mac: string;
beforeAll(async () => {
  mac = await macOf(lab.sandbox);
  // What a careless machine leaves its containers: no check of sources.
  for (const device of ["all", "lo", "eth0"]) {
    await writeSysctl(lab.sandbox, `net.ipv4.conf.${device}.rp_filter`, "0");
    await writeSysctl(lab.sandbox, `net.ipv4.conf.${device}.accept_local`, "1");
  }
});

const callFromOutside = async (...args: readonly string[]): Promise<string> =>
  (await execIn(lab.internet, attackArgv("callers", ["call", ...args]))).stdout;

const ALLOWED_AGAIN: ReadonlySet<string | undefined> = new Set(FAMILIES.map(({ one }) => one));

describe.each(FAMILIES)("without a sidecar, $name", (family) => {
  test("answers to a forged caller leave, and the kernel's own answers too", async (context) => {
    skipWithoutFamily(context, lab, family);
    const leaks = await leaksOf(lab, () =>
      attack(lab, "callers", "forge", deniedAddress(family, 21), family.sandbox, mac),
    );
    const transports = new Set(leaks.map(({ transport }) => transport));
    for (const transport of ["tcp", "udp", family.name === "IPv4" ? "icmp" : "icmpv6"]) {
      expect(transports).toContain(transport);
    }
  });
});

describe.each(FAMILIES)("under the sidecar, $name", (family) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await lab.startSidecar({ policy: POLICY });
  });
  afterAll(async () => {
    await sidecar.kill("SIGKILL");
  });

  test("row 20: no forged first packet makes an answer leave", async (context) => {
    skipWithoutFamily(context, lab, family);
    for (const denied of [deniedAddress(family, 22), deniedAddress(family, 23)]) {
      const leaks = await leaksOf(lab, () => attack(lab, "callers", "forge", denied, family.sandbox, mac));
      // The far end of a flow that another test has cut still sends, and gets a reset once it is allowed
      // again.
      expect(leaks.filter(({ destination }) => !ALLOWED_AGAIN.has(destination))).toEqual([]);
    }
  });

  test("row 20: a real caller is answered over TCP, and over UDP not without the setting", async (context) => {
    skipWithoutFamily(context, lab, family);
    await using server = await startAttack(lab, "callers", "serve", family.sandbox, "4100");
    const text = await callFromOutside(deniedAddress(family, 24), family.sandbox, "4100");
    expect(text).toContain('{"what": "connect", "result": "data to a denied host"}');
    expect(text).toContain('{"what": "datagram", "result": "timeout"}');
    expect(server.lines.some(({ event }) => event === "datagram")).toBe(false);
  });

  test("row 27: a host that a change has denied is answered nothing, over no flow old or new", async (context) => {
    skipWithoutFamily(context, lab, family);
    const port = "4200";
    expect(await lab.dig("-t", family.qtype, "one.example.org")).toMatchObject({ addresses: [family.one] });
    const flows = [
      "--local-port",
      port,
      "--max-time",
      "20",
      ...urlAt(family.one, "http://one.example.org/slow"),
    ];
    const download = lab.startAsWorkload(["curl", "--silent", "--output", "/dev/null", ...flows]);
    await until("the flow is there", () =>
      lab.web.events().some(({ local, path }) => local === family.one && path === "/slow"),
    );
    const body = [{ action: "deny", target: "one.example.org" }];
    expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
    expect(await download.end).toMatchObject({ exitCode: 56 });
    await using _ = await startAttack(lab, "callers", "serve", family.sandbox, port);
    let text = "";
    const leaks = await leaksOf(lab, async () => {
      text = await callFromOutside(family.one, family.sandbox, port);
      await attack(lab, "callers", "forge", family.one, family.sandbox, mac);
    });
    expect(text).toContain('{"what": "connect", "result": "timeout"}');
    expect(leaks).toEqual([]);
    // Its neighbour of before is still a caller.
    expect(await callFromOutside(deniedAddress(family, 25), family.sandbox, port)).toContain(
      '"data to a denied host"',
    );
    await sidecar.api("PATCH", "/policy", { body: [{ action: "allow", target: "one.example.org" }] });
  });
});
