/**
 * h2spec, which tries what a server of HTTP/2 must not let pass: the interceptor holds each requirement that
 * Node's own server holds, which is also what answers where nothing is bound.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API, SECRET, useBoundHosts } from "../support/bound-hosts.ts";
import { LONG_MS } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";

/** Which `.ci/prepare` builds where there is Go and its modules can be had. */
const H2SPEC = fileURLToPath(new URL("../../.test-tools/h2spec/h2spec", import.meta.url));

const on = useBoundHosts();
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await on.start();
});
afterAll(() => sidecar[Symbol.asyncDispose]());

interface Tried {
  readonly all: readonly string[];
  readonly failed: readonly string[];
}

/** Of the server that answers at the name; each requirement by its section and its words. */
async function tryAll(): Promise<Tried> {
  const report = join(on.lab.stateFolder, "h2spec.xml");
  const argv = [H2SPEC, "-h", API, "-p", "443", "-t", "-k", "-o", "5", "-j", report] as const;
  await on.lab.asWorkload(argv, { timeoutMs: LONG_MS });
  const cases = readFileSync(report, "utf8").split("<testcase ").slice(1);
  const tried = cases.map((text) => ({
    what: ["package", "classname"].map((key) => new RegExp(`${key}="([^"]*)"`).exec(text)?.[1]).join(" "),
    isHeld: !/<(?:failure|error)/.test(text),
  }));
  const name = ({ what }: (typeof tried)[number]): string => what;
  return { all: tried.map(name), failed: tried.filter(({ isHeld }) => !isHeld).map(name) };
}

test("a bound host's interceptor fails no requirement that Node's server holds", async (context) => {
  if (!existsSync(H2SPEC)) skipBecause(context, "h2spec is not there: .ci/prepare needs Go to build it");
  const ofNode = await tryAll();
  expect(ofNode.all.length).toBeGreaterThan(140);
  await on.bind(sidecar, [API]);
  let ofOurs: Tried = { all: [], failed: [] };
  const seen = await on.requestsDuring(async () => {
    ofOurs = await tryAll();
  });
  expect(seen.some(({ injected }) => injected === SECRET)).toBe(true);
  expect(ofOurs.all).toEqual(ofNode.all);
  let worse = ofOurs.failed.filter((what) => !ofNode.failed.includes(what));
  // What a busy machine has kept from answering in time is not kept twice.
  if (worse.length > 0) {
    const { failed } = await tryAll();
    worse = worse.filter((what) => failed.includes(what));
  }
  expect(worse).toEqual([]);
});
