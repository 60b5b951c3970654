/** Rules that ask what is spoken, beside bound hosts and for one command. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hex, SSH_LINE } from "../support/app-octets.ts";
import { API, HERE, OTHER, SECRET, useBoundHosts } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";

const SPEAK = fileURLToPath(new URL("../support/clients/speak.py", import.meta.url));
const on = useBoundHosts();
const { lab } = on;
/** Of curl: reset in the handshake, no answer, reset. */
const RESET = [35, 52, 56];

const allow = (target: string, port: number, app: string): object => {
  return { action: "allow", target, ports: [port], app };
};

describe.each(["known", "strict"])("with names on the wire %s", (names) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await on.start({ OPENSANDBOX_EGRESS_WIRE_NAMES: names });
    await on.bind(sidecar, [API]);
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());
  async function policyIs(...egress: readonly object[]): Promise<void> {
    const answer = await sidecar.api("PUT", "/policy", { body: { egress } });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
  }

  const explain = async (app: string) =>
    (await sidecar.api("GET", `/explain?target=${API}&port=443&app=${app}`)).json();

  describe.each(FAMILIES)("$name", (family: Family) => {
    const { flag } = family;
    beforeEach((context) => skipWithoutFamily(context, lab, family));
    const place = HERE[family.name === "IPv4" ? 0 : 1];
    const code = async (url: string): Promise<number | undefined> =>
      (await on.ask(url, flag, "--cacert", on.bundle(sidecar))).code;

    test("a bound host is answered where its rule asks for TLS, and nothing else is spoken there", async () => {
      await policyIs(allow(API, 443, "tls"), allow(OTHER, 80, "http"));
      const seen = await on.requestsDuring(async () => expect(await code(`https://${API}/`)).toBe(0));
      expect(seen.map(({ injected }) => injected)).toEqual([SECRET]);
      await lab.dig(OTHER, family.qtype);
      expect(await code(`http://${OTHER}/`)).toBe(0);
      expect(RESET).toContain(await code(`https://${OTHER}/`));
      expect(RESET).toContain(await code(`http://${API}/`));
      expect(RESET).toContain(await code(`http://${API}:443/`));
      for (const said of [SSH_LINE, hex("EHLO there\r\n")]) {
        const { stdout } = await lab.asWorkload(["python3", SPEAK, place, "443", said]);
        expect(stdout.trim()).toBe("refused");
      }
    });

    test("what is said of it is what becomes of it", async () => {
      await policyIs(allow(API, 443, "tls"));
      await lab.dig(API, family.qtype);
      expect(await explain("tls")).toMatchObject({ reachable: true, spoken: [{ app: "tls", passes: true }] });
      for (const app of ["http", "ssh", "postgres"])
        expect(await explain(app)).toMatchObject({ reachable: false, spoken: [{ app, passes: false }] });
    });

    test("a rule that asks a bound host for another protocol is refused, as is a binding where it holds", async () => {
      await policyIs(allow(API, 443, "tls"));
      const body = { egress: [allow(API, 443, "ssh")] };
      const { status, text } = await sidecar.api("PUT", "/policy", { body });
      expect([status, text.trim()]).toEqual([400, expect.stringContaining(`host "${API}" is not allowed`)]);
      expect(await code(`https://${API}/`)).toBe(0);
    });
  });
});
