/**
 * Row 38: secrets that are replaced and deleted while a workload keeps connections to their host.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { API, SECRET, useBoundHosts } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { keepConnection } from "../support/kept-connection.ts";
import type { Sidecar } from "../support/sidecar.ts";

const on = useBoundHosts();
const { lab } = on;
const NEXT = "the-s3cr3t-that-follows";

describe.each(FAMILIES)("$name", (family: Family) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await on.start();
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  const keep = () => keepConnection(lab, API, on.bundle(sidecar), family.name);

  test("row 38: a kept connection has the new secret in its next request, and never the old one again", async () => {
    await on.bind(sidecar, [API]);
    try {
      const seen = await on.requestsDuring(async () => {
        await using kept = await keep();
        expect(await kept.ask("/before")).toBe("200");
        const replace = [{ name: "c", source: { type: "inline", value: NEXT } }];
        const body = { credentials: { replace } };
        expect((await sidecar.api("PATCH", "/credential-vault", { body })).status).toBe(200);
        for (const path of ["/after", "/later"]) expect(await kept.ask(path)).toBe("200");
      });
      expect(seen.map(({ path, injected }) => [path, injected])).toEqual([
        ["/before", SECRET],
        ["/after", NEXT],
        ["/later", NEXT],
      ]);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test("row 38: once a secret is deleted, no request of a kept connection has it", async () => {
    await on.bind(sidecar, [API]);
    const seen = await on.requestsDuring(async () => {
      await using kept = await keep();
      expect(await kept.ask("/honest")).toBe("200");
      await on.unbind(sidecar);
      for (const path of ["/after", "/later"])
        expect(["200", "421", "ended"]).toContain(await kept.ask(path));
    });
    expect(seen.filter(({ injected }) => injected === SECRET)).toMatchObject([{ path: "/honest" }]);
  });
});
