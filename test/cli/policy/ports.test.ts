import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../../src/cli/main.ts";
import { renderPolicy } from "../../../src/policy/policy.ts";
import { startApi } from "../../api/api-server.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-ports-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function startOperator() {
  const socketPath = join(await mkdtemp(join(folder, "run-")), "egress.sock");
  const api = await startApi({ socketPath });
  async function policy(...argv: readonly string[]) {
    let [printed, warned] = ["", ""];
    const exitCode = await runCli(["policy", ...argv], {
      env: { OPENSANDBOX_EGRESS_SOCKET: socketPath },
      program: ["egress"],
      print: (text) => void (printed += text),
      warn: (text) => void (warned += text),
    });
    return { exitCode, printed, warned };
  }
  const egress = () => renderPolicy(api.world.changes.snapshot().policy).egress;
  return { policy, egress, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

test("allow and deny take targets with ports, which get shows", async () => {
  await using operator = await startOperator();
  await operator.policy("allow", "db.example.org:5432", "[2001:db8::7]:8000-8080/udp");
  await operator.policy("deny", "*:25", "192.0.2.7/icmp");
  expect(operator.egress()).toEqual([
    { action: "deny", ports: ["25"] },
    { action: "deny", target: "192.0.2.7", protocol: "icmp" },
    { action: "allow", target: "db.example.org", ports: ["5432"] },
    { action: "allow", target: "2001:db8::7", ports: ["8000-8080"], protocol: "udp" },
  ]);
  expect((await operator.policy("get")).printed.split("\n").slice(1, 5)).toEqual([
    "  deny  every destination port 25",
    "  deny  192.0.2.7 icmp",
    "  allow db.example.org port 5432",
    "  allow 2001:db8::7 udp port 8000-8080",
  ]);
});

test("delete takes one rule by a target with a port, and all of a target alone", async () => {
  await using operator = await startOperator();
  await operator.policy("allow", "a.example:80", "a.example:443", "b.example:443", "*:25");
  await operator.policy("delete", "a.example:80", "*:25");
  expect(operator.egress().map(({ target, ports }) => [target, ports])).toEqual([
    ["a.example", ["443"]],
    ["b.example", ["443"]],
  ]);
  const dry = await operator.policy("delete", "a.example", "--dry-run");
  expect(dry.printed).toContain("- allow a.example port 443\n");
  await operator.policy("delete", "a.example");
  expect(operator.egress()).toHaveLength(1);
});

test("a port that is none is exit 64, and nothing is sent", async () => {
  await using operator = await startOperator();
  const { exitCode, warned } = await operator.policy("allow", "db.example.org:0");
  expect(exitCode).toBe(64);
  expect(warned).toContain('"db.example.org:0": "0" is no port');
  expect(operator.egress()).toEqual([]);
});
