/**
 * A bound host's own name at the address of another allowed name, with names on the wire: it would go there
 * unread, past the methods and paths that are allowed.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { API, BELOW, useBoundHosts } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const on = useBoundHosts();
const { lab } = on;
/** Of `BELOW`. */
const ELSEWHERE = { IPv4: "198.51.100.20", IPv6: "[2001:db8:100::20]" } as const;
/** Of curl: reset in the handshake, no answer, reset. */
const RESET = [35, 52, 56];

describe.each(["known", "strict"])("with names on the wire %s", (names) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await on.start({ OPENSANDBOX_EGRESS_WIRE_NAMES: names });
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());

  describe.each(FAMILIES)("$name", (family: Family) => {
    beforeEach((context) => skipWithoutFamily(context, lab, family));
    const place = family.name === "IPv4" ? ELSEWHERE.IPv4 : ELSEWHERE.IPv6;
    const askElsewhere = async (path: string) =>
      on.ask(`https://${API}${path}`, family.flag, "-k", "--resolve", `${API}:443:${place}`);

    test("it is refused once the host is bound, told, and nothing of it arrives", async () => {
      await lab.dig(BELOW, family.qtype);
      expect((await askElsewhere("/free")).code).toBe(0);
      await on.bind(sidecar, [API]);
      try {
        const seen = await on.requestsDuring(async () => {
          expect(RESET).toContain((await askElsewhere("/bound")).code);
        });
        expect(seen).toEqual([]);
        const told = /a bound name at an address that was not looked up for it/;
        await until("it is told", () => told.test(sidecar.output()));
        expect((await on.ask(`https://${BELOW}/`, family.flag, "--cacert", on.rootFile())).code).toBe(0);
      } finally {
        await on.unbind(sidecar);
      }
      expect((await askElsewhere("/free-again")).code).toBe(0);
    });
  });
});
