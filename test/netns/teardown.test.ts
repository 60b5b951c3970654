/** `egress teardown` removes all that is ours from the kernel, and nothing else. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { runProgram } from "../support/program.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const FOREIGN = `table inet filter {
	chain output {
		type filter hook output priority filter; policy accept;
		ip daddr 203.0.113.250 counter packets 0 bytes 0 drop
	}
}
table ip nat {
	set opensandbox {
		type ipv4_addr
		elements = { 198.51.100.1 }
	}
}
`;

const NOTHING = "egress: there was nothing of ours; nothing is enforced in this network namespace\n";

const lab = useLab();
let sidecar: Sidecar;
beforeAll(async () => {
  await execIn(lab.sandbox, ["nft", "-f", "-"], { input: FOREIGN });
});

const listTables = async (): Promise<string> => {
  const { stdout } = await execIn(lab.sandbox, ["nft", "list", "tables"]);
  return stdout.split("\n").toSorted().join("\n");
};
/** Processes of this network namespace that keep its queues held. */
const listHolders = async (): Promise<string> => {
  const pids = (await execIn(lab.sandbox, ["ip", "netns", "pids", lab.sandbox.name])).stdout
    .trim()
    .split("\n");
  return (await execIn(lab.sandbox, ["sh", "-c", `grep -lx 'sleep' /proc/[0-9]*/comm`])).stdout
    .split("\n")
    .filter((path) => pids.some((pid) => path === `/proc/${pid}/comm`))
    .join(" ");
};
const listRuleset = async (): Promise<string> =>
  (await execIn(lab.sandbox, ["nft", "list", "ruleset"])).stdout;

test("foreign tables stay as they are while the sidecar runs, and ours are named so", async () => {
  sidecar = await lab.startSidecar({ policy: { egress: [{ action: "allow", target: "one.example.org" }] } });
  expect(await listRuleset()).toContain(FOREIGN);
  const tables = (await execIn(lab.sandbox, ["nft", "list", "tables"])).stdout.trim().split("\n");
  expect(tables).toContain("table inet opensandbox");
  const strangers = tables.filter((table) => !/^table \w+ opensandbox/.test(table));
  expect(strangers).toEqual(["table inet filter", "table ip nat"]);
});

test("the workload cannot tear down", async () => {
  const [file = "", ...args] = workloadArgv(["true"]).slice(0, -1);
  const result = await runProgram(lab.sandbox, ["teardown"], { under: [file, ...args] });
  expect(result).toMatchObject({ exitCode: 78, stderr: "egress: CAP_NET_ADMIN is missing\n" });
  expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ exitCode: 7 });
});

test("a teardown is refused while a sidecar runs, and removes nothing", async () => {
  const before = await listTables();
  expect(await runProgram(lab.sandbox, ["teardown"])).toMatchObject({
    exitCode: 69,
    stdout: "",
    stderr: expect.stringMatching(
      /^egress: a sidecar runs in this network namespace.*nothing was removed\n$/,
    ),
  });
  expect(await listTables()).toBe(before);
  expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ exitCode: 7 });
});

test("the table that nft(8) may not be able to read is gone before nft(8) is called", async () => {
  await sidecar.kill();
  const folder = await mkdtemp(join(tmpdir(), "nft-"));
  const seen = join(folder, "seen");
  const script = `#!/bin/sh\nPATH=${process.env["PATH"] ?? ""}\nnft list tables >>${seen}\nexec nft "$@"\n`;
  await writeFile(join(folder, "nft"), script, { mode: 0o755 });
  const path = `${folder}:${process.env["PATH"] ?? ""}`;
  expect(await runProgram(lab.sandbox, ["teardown"], { env: { PATH: path } })).toMatchObject({ exitCode: 0 });
  const tables = await readFile(seen, "utf8");
  expect(tables).toContain("table inet opensandbox\n");
  expect(tables).not.toContain("opensandbox_door");
  await rm(folder, { recursive: true });
  sidecar = await lab.startSidecar();
});

test("after a teardown nothing of ours is left, the sandbox is open, and foreign tables are untouched", async () => {
  await sidecar.kill();
  // With another socket than the sidecar's, beside which its holders are written down.
  expect(await listHolders()).not.toBe("");
  expect(await runProgram(lab.sandbox, ["teardown"])).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await listHolders()).toBe("");
  expect(await listRuleset()).toBe(FOREIGN);
  expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ status: 200 });
  expect(await lab.dig("@203.0.113.53", "two.example.org", "A")).toMatchObject({
    addresses: ["198.51.100.2"],
  });
});

test("a second teardown finds nothing, says so, and that nothing is wrong", async () => {
  expect(await runProgram(lab.sandbox, ["teardown"])).toMatchObject({
    exitCode: 0,
    stderr: "",
    stdout: NOTHING,
  });
  expect(await listRuleset()).toBe(FOREIGN);
});

test("a teardown elsewhere leaves what a living sidecar has noted of its queues", async () => {
  sidecar = await lab.startSidecar();
  const file = join(lab.stateFolder, "queue-holders.json");
  const [noted, holders] = [await readFile(file, "utf8"), await listHolders()];
  expect(holders).not.toBe("");
  const env = { OPENSANDBOX_EGRESS_SOCKET: sidecar.socketPath };
  const result = await runProgram(lab.internet, ["teardown"], { env });
  expect(result).toMatchObject({ exitCode: 0, stdout: NOTHING });
  expect(await readFile(file, "utf8")).toBe(noted);
  expect(await listHolders()).toBe(holders);
  await sidecar.kill();
  const own = await runProgram(lab.sandbox, ["teardown"], { env });
  expect(own.stdout).toBe("egress: our tables are removed; nothing is enforced in this network namespace\n");
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a start after a teardown enforces again", async () => {
  await lab.startSidecar();
  expect(await lab.curl("http://198.51.100.3/")).toMatchObject({ exitCode: 7 });
  expect(await lab.dig("three.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
});
