/** Changes of a policy whose rules have ports or a protocol, as the API takes and shows them. */
import { describe, expect, test } from "vitest";
import { policyOf } from "../support/policy.ts";
import { type ApiServer, startApi } from "./api-server.ts";

const DB = { action: "allow", target: "db.example.org", ports: [5432] };
const WEB = { action: "allow", target: "db.example.org", ports: [443, "8000-8080"], protocol: "tcp" };
const MAIL = { action: "deny", ports: [25] };
const BASE = policyOf({ egress: [DB, WEB, MAIL] });

const shown = async (api: ApiServer): Promise<unknown> => JSON.parse((await api.call("GET", "/policy")).text);
const egressOf = (...egress: readonly object[]) =>
  expect.objectContaining({ policy: { egress, defaultAction: "deny" } });
const withPorts = (count: number) =>
  JSON.stringify(
    Array.from({ length: count }, (_, at) => ({ action: "allow", target: "a.example", ports: [at + 1] })),
  );

test("more than 256 different scopes are 413, and change nothing", async () => {
  await using api = await startApi({ policy: BASE, maxRules: 0 });
  const before = api.world.changes.snapshot();
  expect(await api.call("PATCH", "/policy", { body: withPorts(255) })).toMatchObject({ status: 413 });
  const { status, text } = await api.call("PUT", "/policy", { body: `{"egress":${withPorts(257)}}` });
  expect([status, text]).toEqual([
    413,
    "egress rules name 257 different sets of ports, which exceeds limit 256: give several targets the same ports, or ranges",
  ]);
  expect(api.world.changes.snapshot()).toBe(before);
  expect(api.world.steps).toEqual([]);
  expect(await api.call("PUT", "/policy", { body: `{"egress":${withPorts(256)}}` })).toMatchObject({
    status: 200,
  });
});

test("more elements of addresses with ports than the kernel is given are 413, by whatever change", async () => {
  const ports = Array.from({ length: 256 }, (_, at) => 2 * at + 1);
  const wide = { action: "allow", target: "10.0.0.0/8", ports };
  const cuts = Array.from({ length: 300 }, (_, at) => ({ target: `10.0.${at >> 7}.${2 * (at & 127)}` }));
  await using api = await startApi({ maxRules: 0 });
  const put = await api.call("PUT", "/policy", { body: JSON.stringify({ egress: [...cuts, wide] }) });
  expect([put.status, put.text]).toEqual([
    413,
    expect.stringMatching(/egress\[300\]\.ports: rules for addresses make more than 32768 elements .* write/),
  ]);
  expect(api.world.steps).toEqual([]);
  // Behind the rule with ports they cut nothing.
  const body = JSON.stringify({ egress: [wide, ...cuts] });
  expect(await api.call("PUT", "/policy", { body })).toMatchObject({ status: 200 });
  const patch = await api.call("PATCH", "/policy", { body: JSON.stringify(cuts) });
  expect([patch.status, patch.text]).toEqual([413, expect.stringContaining("egress[300].ports")]);
});

test("one scope of many targets counts once", async () => {
  await using api = await startApi({ maxRules: 0 });
  const egress = Array.from({ length: 300 }, (_, at) => ({ target: `a${at}.example`, ports: [443] }));
  expect(await api.call("PUT", "/policy", { body: JSON.stringify({ egress }) })).toMatchObject({
    status: 200,
  });
});

test("a rule without ports takes the place of every rule of its target (attack 39)", async () => {
  await using api = await startApi({ policy: BASE });
  const rule = { action: "deny", target: "DB.example.org." };
  await api.call("PATCH", "/policy", { body: JSON.stringify([rule]) });
  expect(await shown(api)).toEqual(egressOf(rule, MAIL));
});

test("a rule with ports takes the place of the one with the same ports, however they are written", async () => {
  await using api = await startApi({ policy: BASE });
  const rule = { action: "deny", target: "db.example.org", ports: ["8000-8050", 443, "8040-8080", 443] };
  await api.call("PATCH", "/policy", { body: JSON.stringify([rule]) });
  expect(await shown(api)).toEqual(egressOf(rule, DB, MAIL));
});

test("DELETE takes one rule by an object, all of a target by its name (attack 40)", async () => {
  await using api = await startApi({ policy: BASE });
  const gone = [
    { target: "db.example.org", ports: ["5432"] },
    { ports: [25], protocol: "tcp" },
  ];
  await api.call("DELETE", "/policy", { body: JSON.stringify(gone) });
  expect(await shown(api)).toEqual(egressOf(WEB));
  const other = await api.call("DELETE", "/policy", {
    body: '[{"target":"db.example.org","ports":[443]},{"target":"db.example.org"}]',
  });
  expect(other.text).toContain("no matching targets found");
  await api.call("DELETE", "/policy", { body: '["db.example.org"]' });
  expect(await shown(api)).toEqual(egressOf());
});

test("a tag tells policies apart that differ in ports alone, and If-Match holds with them", async () => {
  await using api = await startApi({ policy: BASE });
  const { etag } = api.world.changes.snapshot();
  const body = JSON.stringify({ egress: [{ ...DB, ports: [5433] }, WEB, MAIL] });
  const changed = await api.call("PUT", "/policy", { body, headers: { "If-Match": etag } });
  expect(changed.status).toBe(200);
  expect(changed.headers.etag).not.toBe(etag);
  expect(await api.call("PUT", "/policy", { body, headers: { "If-Match": etag } })).toMatchObject({
    status: 412,
  });
});

test("dryRun shows rules that come and go with their ports, and changes nothing", async () => {
  await using api = await startApi({ policy: BASE });
  const before = api.world.changes.snapshot();
  const next = { action: "allow", target: "db.example.org", ports: [5432], protocol: "udp" };
  const answer = await api.call("PATCH", "/policy?dryRun=true", {
    body: JSON.stringify([next, { ...DB, action: "deny" }]),
  });
  expect(JSON.parse(answer.text)).toMatchObject({
    dryRun: true,
    added: [next, { ...DB, action: "deny" }],
    removed: [DB],
    policy: { egress: [next, { ...DB, action: "deny" }, WEB, MAIL] },
  });
  expect(api.world.changes.snapshot()).toBe(before);
  expect(api.world.steps).toEqual([]);
});

test.each([
  [{ ports: [443.5], target: "a.example" }, "[0].ports[0]: 443.5 is no port"],
  [{ ports: ["443.0"], target: "a.example" }, '[0].ports[0]: "443.0" is no port'],
  [{ ports: [1e21], target: "a.example" }, "[0].ports[0]: 1e+21 is no port"],
  [{ ports: [-443], target: "a.example" }, "[0].ports[0]: -443 is no port"],
  [{ ports: [65_536], target: "a.example" }, "[0].ports[0]: 65536 is no port"],
  [{ ports: ["8080-8000"], target: "a.example" }, '[0].ports[0]: "8080-8000" is no port'],
  [{ ports: ["0-65535"], target: "a.example" }, '[0].ports[0]: "0-65535" is no port'],
  [{ ports: [" 443"], target: "a.example" }, '[0].ports[0]: " 443" is no port'],
  [{ ports: ["4٤3"], target: "a.example" }, "[0].ports[0]:"],
  [{ ports: ["https"], target: "a.example" }, '[0].ports[0]: "https" is no port'],
  [{ ports: [[443]], target: "a.example" }, "[0].ports[0]: [443] is no port"],
  [{ ports: [null], target: "a.example" }, "[0].ports[0]: null is no port"],
  [{ ports: { 0: 443 }, target: "a.example" }, "[0].ports: must be an array of ports"],
  [{ ports: [443], protocol: "icmp", target: "a.example" }, "[0].protocol: icmp has no ports"],
  [{ ports: [443], protocol: "any", target: "a.example" }, '[0].protocol: "any" is no protocol'],
  [{ ports: [443], target: "*" }, '[0].target: "*" matches no name'],
  [{ protocol: "", target: "a.example" }, '[0].protocol: "" is no protocol'],
  [{ ports: [443], target: "a.example", app: "smtp" }, '[0].app: "smtp" is no app'],
])("PATCH of %j is 400 with its place, and changes nothing", async (rule, problem) => {
  await using api = await startApi({ policy: BASE });
  const { status, text } = await api.call("PATCH", "/policy", {
    body: JSON.stringify([{ action: "allow", ...rule }]),
  });
  expect([status, text]).toEqual([400, expect.stringContaining(problem)]);
  expect(api.world.steps).toEqual([]);
});

describe("rules that ask what is spoken", () => {
  const GIT = { action: "allow", target: "git.example.org", ports: [22], app: "SSH" };

  test("are shown as they were sent, and known to PATCH and DELETE by what they ask for", async () => {
    await using api = await startApi({ policy: BASE });
    const patch = (...rules: readonly object[]) =>
      api.call("PATCH", "/policy", { body: JSON.stringify(rules) });
    expect((await patch(GIT, { ...GIT, app: "postgres" })).status).toBe(200);
    expect((await patch({ ...GIT, app: " ssh " })).status).toBe(200);
    expect(await shown(api)).toEqual(
      egressOf({ ...GIT, app: " ssh " }, { ...GIT, app: "postgres" }, DB, WEB, MAIL),
    );
    const { action: _action, ...removal } = GIT;
    expect((await api.call("DELETE", "/policy", { body: JSON.stringify([removal]) })).status).toBe(200);
    expect(await shown(api)).toEqual(egressOf({ ...GIT, app: "postgres" }, DB, WEB, MAIL));
    expect((await patch({ action: "allow", target: "git.example.org" })).status).toBe(200);
    expect(await shown(api)).toEqual(egressOf({ action: "allow", target: "git.example.org" }, DB, WEB, MAIL));
  });

  test("are refused with place and remedy if nobody can read connections, and any is not", async () => {
    await using api = await startApi({ policy: BASE, appsUnserved: "nobody reads: set this" });
    const { status, text } = await api.call("PATCH", "/policy", {
      body: JSON.stringify([{ ...GIT, app: "any" }, GIT]),
    });
    expect([status, text.trim()]).toEqual([
      400,
      "invalid patch rules: [1].app: cannot be served: nobody reads: set this. Or take app out",
    ]);
    const put = await api.call("PUT", "/policy", { body: JSON.stringify({ egress: [GIT] }) });
    expect([put.status, put.text]).toEqual([
      400,
      expect.stringContaining("invalid policy: egress[0].app: cannot"),
    ]);
    expect(api.world.steps).toEqual([]);
    const any = await api.call("PATCH", "/policy", { body: JSON.stringify([{ ...GIT, app: "any" }]) });
    expect(any.status).toBe(200);
  });
});
