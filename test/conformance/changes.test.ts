/** HTTP: many rules, many callers, and changes that fail; what memory, kernel and disk hold afterwards. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { renderPolicyText } from "../../src/policy/policy-text.ts";
import { callApi } from "../api/api-server.ts";
import { createBreakableNft } from "../support/breakable-nft.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { createLab, SANDBOX_V4 } from "../support/lab.ts";
import { policyOf } from "../support/policy.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

interface WrittenRule {
  readonly action: string;
  readonly target: string;
}

const lab = useLab({ ipv6: false });
let sidecar: Sidecar;
let outside: Relay;
beforeAll(async () => {
  sidecar = await lab.startSidecar();
  outside = await startRelay(lab, { from: "outside", to: SANDBOX_V4 });
});
beforeEach(async () => {
  await change("PUT", {});
});
afterAll(async () => {
  await outside[Symbol.asyncDispose]();
});

async function change(method: string, value: unknown, headers: Readonly<Record<string, string>> = {}) {
  return callApi({
    socketPath: outside.socketPath,
    method,
    path: "/policy",
    body: JSON.stringify(value),
    headers: { "OPENSANDBOX-EGRESS-AUTH": sidecar.token, ...headers },
  });
}

async function readRules(): Promise<readonly WrittenRule[]> {
  const { text } = await sidecar.api("GET", "/policy");
  const { policy }: { policy: { egress: readonly WrittenRule[] } } = JSON.parse(text);
  return policy.egress;
}

function manyRules(count: number): readonly WrittenRule[] {
  return Array.from({ length: count }, (_, n) => ({ action: "allow", target: `n${n}.example` }));
}

describe("the cap", () => {
  test("4096 rules are taken, 4097 are not, however they come", async () => {
    expect(await change("PUT", { egress: manyRules(4096) })).toMatchObject({ status: 200 });
    const tooMany = { status: 413, text: "egress rule total count 4097 exceeds limit 4096" };
    expect(await change("PATCH", [{ target: "one-more.example" }])).toMatchObject(tooMany);
    expect(await change("PUT", { egress: manyRules(4097) })).toMatchObject(tooMany);
    expect(await readRules()).toHaveLength(4096);
    expect(await change("PATCH", [{ target: "N7.example." }])).toMatchObject({ status: 200 });
    expect((await readRules()).slice(0, 2)).toEqual([
      { action: "deny", target: "N7.example." },
      { action: "allow", target: "n0.example" },
    ]);
  });

  test("always-rules do not count, and are not shown", async () => {
    await writeFile(join(lab.stateFolder, "rules", "deny.always"), "198.51.100.200\n");
    await until("they are in force", async () => {
      return (await readAddresses(lab.sandbox, "deny_host_v4")).includes("198.51.100.200");
    });
    expect(await change("PUT", { egress: manyRules(4096) })).toMatchObject({ status: 200 });
    expect((await sidecar.api("GET", "/policy")).text).not.toContain("198.51.100.200");
  });
});

test("of forty PATCHes at once none is lost, and each answer is true for its own change", async () => {
  const own = Array.from({ length: 40 }, (_, n): WrittenRule => ({
    action: "allow",
    target: `c${n}.example`,
  }));
  const answers = await Promise.all(own.map((rule) => change("PATCH", [rule])));
  expect(answers.map(({ status }) => status)).toEqual(own.map(() => 200));
  // Each went to the front, so the last of the list was made first.
  const order = (await readRules()).toReversed();
  expect(order.map(({ target }) => target).toSorted()).toEqual(own.map(({ target }) => target).toSorted());
  for (const [n, rule] of own.entries()) {
    const made = order.findIndex(({ target }) => target === rule.target) + 1;
    const then = policyOf({ egress: order.slice(0, made).toReversed() });
    expect(answers[n]?.headers.etag).toBe(renderPolicyText(then).etag());
  }
});

test("of twenty changes with one tag, one is made", async () => {
  const { headers } = await sidecar.api("GET", "/policy");
  const etag = String(headers["etag"]);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      change("PATCH", [{ target: `t${n}.example` }], { "If-Match": etag }),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
    200,
    ...Array.from({ length: 19 }, () => 412),
  ]);
  expect(await readRules()).toHaveLength(1);
});

describe("a change that fails", () => {
  const kept = { egress: [{ action: "allow", target: "198.51.100.7" }] };

  test("at the disk is 500, and the old policy holds in memory, kernel and disk", async () => {
    await using other = await createLab({ ipv6: false });
    const folder = join(other.stateFolder, "store");
    const file = join(folder, "policy.json");
    await mkdir(folder);
    const failing = await other.startSidecar({ env: { OPENSANDBOX_EGRESS_POLICY_FILE: file } });
    expect(await failing.api("PUT", "/policy", { body: kept })).toMatchObject({ status: 200 });
    await rm(folder, { recursive: true });
    const answer = await failing.api("PUT", "/policy", { body: {} });
    expect(answer.status).toBe(500);
    expect(answer.text).toMatch(/^failed to persist policy: .*policy\.json: its folder does not exist/);
    expect((await failing.api("GET", "/policy")).text).toContain("198.51.100.7");
    expect(await readAddresses(other.sandbox, "allow_host_v4")).toEqual(["198.51.100.7"]);
    expect((await failing.api("GET", "/healthz")).text).toBe("ok");
  });

  test("at the kernel is 500, and the old policy holds in memory and disk", async () => {
    await using other = await createLab({ ipv6: false });
    const nft = await createBreakableNft(other.stateFolder);
    const failing = await other.startSidecar({ env: { PATH: nft.path } });
    expect(await failing.api("PUT", "/policy", { body: kept })).toMatchObject({ status: 200 });
    const file = join(other.stateFolder, "policy.json");
    const stored = await readFile(file, "utf8");
    await nft.refuse();
    // Else the change would go past nft(8), as one of a few elements.
    await execIn(other.sandbox, ["nft", "delete", "table", "inet", "opensandbox"]);
    const answer = await failing.api("PUT", "/policy", { body: {} });
    expect(answer.status).toBe(500);
    expect(answer.text).toMatch(/^failed to apply nftables policy: .+$/);
    expect((await failing.api("GET", "/policy")).text).toContain("198.51.100.7");
    expect(await readFile(file, "utf8")).toBe(stored);
    expect((await failing.api("GET", "/healthz")).status).toBe(503);
    await nft.accept();
    await until("it is healthy", async () => (await failing.api("GET", "/healthz")).status === 200);
    expect(await readAddresses(other.sandbox, "allow_host_v4")).toEqual(["198.51.100.7"]);
  });

  test("is none where somebody put a set of another type in the place of ours: the table is made anew", async () => {
    await change("PUT", kept);
    const set = "inet opensandbox allow_v4 { type inet_service; }";
    for (const command of ["delete table inet opensandbox", "add table inet opensandbox", `add set ${set}`]) {
      await execIn(lab.sandbox, ["nft", command]);
    }
    // Without the table's chains no frame leaves the sandbox, so this goes by the unix socket.
    const next = { egress: [{ action: "allow", target: "198.51.100.8" }] };
    expect(await sidecar.api("PUT", "/policy", { body: next })).toMatchObject({ status: 200 });
    expect(await readAddresses(lab.sandbox, "allow_host_v4")).toEqual(["198.51.100.8"]);
  });
});
