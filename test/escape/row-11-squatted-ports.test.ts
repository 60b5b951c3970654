/** Row 11: a workload that holds the resolver's ports before the sidecar starts. The API's port: `known-gaps.test.ts`. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import { createLab, type Lab } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { POLICY, startAttack } from "./attack.ts";

let lab: Lab;
let sidecar: Sidecar;
let squatter: JsonServer;
beforeAll(async () => {
  lab = await createLab();
  squatter = await startAttack(lab, "squat", "hold", "15353");
  sidecar = await lab.startSidecar({ policy: POLICY });
});
afterAll(async () => {
  await squatter[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

test("row 11: the sidecar is healthy, on another port", async () => {
  expect(squatter.lines[0]).toMatchObject({ event: "ready", count: 8 });
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
});

test.for(FAMILIES)(
  "row 11: lookups over $name are answered by the sidecar, and the squatter sees none",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    for (const server of [family.upstream, family.otherResolver]) {
      for (const transport of ["+notcp", "+tcp"]) {
        const ask = (name: string) => lab.dig(transport, `@${server}`, "-t", family.qtype, name);
        expect(await ask("one.example.org")).toMatchObject({ addresses: [family.one] });
        expect(await ask("secret.three.example.org")).toMatchObject({ rcode: "NXDOMAIN" });
      }
    }
    expect(squatter.lines.slice(1)).toEqual([]);
  },
);
