/**
 * Row 40: hosts that are bound and cannot prove who they are, and programs that trust one certificate alone.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { API, FORGED, OTHER, STALE, useBoundHosts, WRONG } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";

const on = useBoundHosts();
const { lab } = on;
const UNPROVED = [STALE, FORGED, WRONG];

describe.each(FAMILIES)("$name", (family: Family) => {
  const { flag } = family;
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await on.start();
    await on.bind(sidecar, [API, ...UNPROVED]);
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test.each(["--http1.1", "--http2"])(
    "row 40: one whose certificate has run out, is its own, or is another's hears nothing, and 421 says why, %s",
    async (version) => {
      const seen = await on.requestsDuring(async () => {
        for (const name of UNPROVED) {
          const curl = [version, flag, "--cacert", on.bundle(sidecar), "-d", "x=y"];
          const { answer } = await on.ask(`https://${name}/`, "-w", "", ...curl);
          expect(answer).toEqual({});
          expect([name, await on.status(`https://${name}/`, ...curl)]).toEqual([name, "421"]);
        }
      });
      expect(seen).toEqual([]);
    },
  );

  test("row 40: who takes any certificate brings no secret to such a host either", async () => {
    const seen = await on.requestsDuring(async () => {
      for (const name of UNPROVED) expect(await on.status(`https://${name}/`, flag, "-k")).toBe("421");
    });
    expect(seen).toEqual([]);
  });

  test("row 40: a program that trusts the host's own root alone refuses ours, and is served where it is not bound", async () => {
    const pinned = [flag, "--cacert", on.rootFile()];
    expect((await on.ask(`https://${API}/`, ...pinned)).code).toBe(60);
    const free = await on.ask(`https://${OTHER}/`, ...pinned);
    expect([free.code, free.answer["injected"]]).toEqual([0, undefined]);
  });
});
