/**
 * Rules that ask what is spoken, over the life of the sidecar: connections that were verified by them live
 * through its death and end with their rule; where nobody reads, a start with such a policy is closed.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { KEXINIT, SSH_LINE } from "../support/app-octets.ts";
import { goesOn, hasEnded, startEchoLines, talkLines } from "../support/echo-lines.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { type NamedSites, startNamedSites } from "../support/named-sites.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const TALKER = fileURLToPath(new URL("../netfilter/talking-child.ts", import.meta.url));
const [PORT, TLS] = [2525, 443];
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [GOOD, OTHER] = ["good.shared.example.org", "other.shared.example.org"];

const lab = useLab({ zone: { [GOOD]: SHARED, [OTHER]: SHARED }, upstream: { ttlSeconds: 300 } });
let server: JsonServer;
let sites: NamedSites;
beforeAll(async () => {
  server = await startEchoLines(lab, PORT);
  sites = await startNamedSites(lab);
});
afterAll(() => Promise.all([server[Symbol.asyncDispose](), sites[Symbol.asyncDispose]()]));

const addressOf = ({ name }: Family): string => SHARED.addresses[name === "IPv4" ? 0 : 1] ?? "";
const allow = (target: string, port: number, app: string): object => {
  return { action: "allow", target, ports: [port], app };
};
const talkTls = (address: string, name: string): Promise<JsonServer> =>
  startJsonServer(lab.sandbox, workloadArgv([process.execPath, TALKER, address, name]));
const talkSsh = (address: string): Promise<JsonServer> => talkLines(lab, address, PORT, SSH_LINE + KEXINIT);

async function policyIs(sidecar: Sidecar, ...egress: readonly object[]): Promise<void> {
  const answer = await sidecar.api("PUT", "/policy", { body: { egress } });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
}

describe.each(["known", "strict"])("%s", (names) => {
  const start = () => lab.startSidecar({ env: { OPENSANDBOX_EGRESS_WIRE_NAMES: names } });

  describe.each(FAMILIES)("$name", (family) => {
    beforeEach((context) => skipWithoutFamily(context, lab, family));
    const address = addressOf(family);

    test.each([
      ["a name", GOOD],
      ["an address", address],
    ])(
      "what rules for %s let pass lives through SIGKILL, a start and other changes, and ends with its rule",
      async (_what, target) => {
        const first = await start();
        const [ssh, tls, other] = [
          allow(target, PORT, "ssh"),
          allow(target, TLS, "tls"),
          allow(OTHER, TLS, "tls"),
        ];
        await policyIs(first, ssh, tls, other);
        for (const name of [GOOD, OTHER]) await lab.dig(name, family.qtype);
        await using bySsh = await talkSsh(address);
        await using byTls = await talkTls(address, GOOD);
        expect([await goesOn(bySsh), await goesOn(byTls)]).toEqual([true, true]);

        await first.kill("SIGKILL");
        expect([await goesOn(bySsh), await goesOn(byTls)]).toEqual([true, true]);
        // What begins while nobody reads gets nowhere.
        const curl = ["curl", "-sk", "--max-time", "2", family.flag, `https://${GOOD}/`] as const;
        expect((await lab.asWorkload(curl)).exitCode).not.toBe(0);

        await using second = await start();
        expect([await goesOn(bySsh), await goesOn(byTls)]).toEqual([true, true]);
        // What a connection to an address of no name has shown is not known after a start.
        const isKnown = target === GOOD;
        const further = { action: "allow", target: "three.example.org" };
        const patched = await second.api("PATCH", "/policy", { body: [further] });
        expect([patched.status, patched.text]).toEqual([200, patched.text]);
        expect([await goesOn(bySsh), await goesOn(byTls)]).toEqual([true, true]);

        await policyIs(second, allow(target, PORT, "postgres"), tls);
        await until("SSH has ended", () => hasEnded(bySsh));
        expect(await goesOn(byTls)).toBe(isKnown);
        await policyIs(second, allow(target, PORT, "postgres"), allow(target, TLS, "http"));
        await until("TLS has ended", () => hasEnded(byTls));
        await second.kill();
      },
    );
  });
});

test.each([
  ["off", { OPENSANDBOX_EGRESS_WIRE_NAMES: "off" }, "OPENSANDBOX_EGRESS_WIRE_NAMES"],
  ["mode dns", { OPENSANDBOX_EGRESS_MODE: "dns" }, "OPENSANDBOX_EGRESS_MODE"],
])(
  "a start with such a policy where nobody reads, by %s, is closed and says why",
  async (_what, env, said) => {
    const first = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "known" } });
    await policyIs(first, allow(GOOD, PORT, "ssh"), allow(SHARED.addresses[0] ?? "", PORT, "ssh"), {
      action: "allow",
      target: OTHER,
    });
    await first.kill();
    const closed = await lab.startSidecar({ env, awaitHealth: false });
    const health = await until("it answers", () => closed.api("GET", "/healthz").catch(() => undefined));
    expect([health.status, health.text]).toEqual([503, expect.stringContaining("egress[0].app")]);
    expect(health.text).toContain(said);
    for (const name of [GOOD, OTHER])
      expect((await lab.dig(name)).rcode, `${name}: ${closed.output()}`).toBe("NXDOMAIN");
    for (const address of SHARED.addresses.slice(0, lab.ipv6 ? 2 : 1)) {
      const place = address.includes(":") ? `[${address}]` : address;
      expect(await lab.curl("--max-time", "5", `http://${place}:${PORT}/`)).toMatchObject({ exitCode: 7 });
    }
    await closed.kill();
    // The file is as it was.
    await using second = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "known" } });
    expect((await second.api("GET", "/policy")).text).toContain('"app":"ssh"');
    expect((await lab.dig(OTHER)).rcode).toBe("NOERROR");
  },
);
