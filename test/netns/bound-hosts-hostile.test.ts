/** The real program, and a workload that wants a bound host's credential astray, or its sidecar to end. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { API, OTHER, SECRET, useBoundHosts } from "../support/bound-hosts.ts";

const on = useBoundHosts();
const ATTACKS = fileURLToPath(new URL("../escape/attacks/bound_host.py", import.meta.url));
const outcomeShape = z.object({
  attack: z.string(),
  statuses: z.array(z.number()).optional(),
  next: z.array(z.number()).optional(),
});

/** What each request over HTTP/1.1 is told. */
const TOLD: Readonly<Record<string, readonly number[]>> = {
  "as it should be": [200],
  "another Host": [421],
  "two Hosts": [400],
  "a user in Host": [400],
  "another port": [421],
  "the absolute form of another": [421],
  "another Host on a kept connection": [200, 421],
  "a length and chunks": [400],
  "two lengths": [400],
  "a length in hexadecimal": [400],
  "gzip before chunked": [501],
  "chunked in another case and place": [400],
  "a chunk that lies": [400],
  "bare line feeds": [400],
  "a folded line": [400],
  "a blank before the colon": [400],
  "the injected header as one of the hop": [400],
  "an upgrade to h2c": [400],
  CONNECT: [405],
  TRACE: [405],
  "dots in the path": [403],
  "another path in a header": [403],
  "the preface of HTTP/2": [505],
};

test("whatever is sent to a bound host, only its own requests bear the credential, and the next is served", async () => {
  await using sidecar = await on.start();
  await on.bind(sidecar, [API]);
  const bundle = on.bundle(sidecar);
  let said = "";
  const seen = await on.requestsDuring(async () => {
    const run = await on.lab.asWorkload(["python3", "-B", ATTACKS, bundle, API, OTHER]);
    expect(run.stderr).toBe("");
    said = run.stdout;
  });
  const outcomes = said
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => outcomeShape.parse(JSON.parse(line)));
  const told = outcomes.flatMap(({ attack, statuses }) =>
    statuses === undefined ? [] : [[attack, statuses]],
  );
  expect(Object.fromEntries(told)).toEqual(TOLD);
  const next = outcomes.flatMap(({ attack, next: after }) => (after === undefined ? [] : [[attack, after]]));
  expect(next.filter(([, statuses]) => String(statuses) !== "200")).toEqual([]);
  expect(next).toHaveLength(10);
  for (const request of seen) expect(request).toMatchObject({ host: API, path: "/a" });
  expect(seen.filter(({ injected }) => injected !== SECRET)).toEqual([]);
});
