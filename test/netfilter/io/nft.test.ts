/** The applier against stand-ins for nft(8): the kernels and failures that this machine does not have. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compileRuleset } from "../../../src/netfilter/chains/compile-ruleset.ts";
import { createNftApplier } from "../../../src/netfilter/io/nft.ts";
import { readNetworkFacts } from "../../../src/netfilter/io/network-facts.ts";
import type { Tool } from "../../../src/netfilter/io/run-tool.ts";
import { rulesetInput } from "../ruleset-input.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-nft-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/**
 * A program that keeps what it is told in the file `loads`, and then does as the shell lines say; `$text` is
 * its input.
 */
async function fakeNft(...lines: readonly string[]): Promise<Tool> {
  const path = join(folder, "fake-nft");
  const script = `case "$*" in *list*) printf . >>'${folder}/listings'; echo '{"nftables": []}'; exit 0;; esac
text=$(cat); printf '%s %s\\n' "$*" "$text" >>'${folder}/loads'
${lines.join("\n")}
`;
  await writeFile(path, script);
  return ["sh", path];
}

const loads = (): Promise<string> => readFile(join(folder, "loads"), "utf8");

/** As Linux before 5.16 answers: what nft quotes below the error holds our secrets. */
const NO_EGRESS_HOOK = `case "$text" in *netdev*)
  echo '/dev/stdin:7:9-14: Error: Could not process rule: Operation not supported' >&2
  echo 'meta mark 0x5a5a1234' >&2; exit 1;; esac`;

test("a kernel without an egress hook gets everything but the guard, and the caller is told", async () => {
  const applier = createNftApplier({ nft: await fakeNft(NO_EGRESS_HOOK) });
  const applied = await applier.replace(compileRuleset(rulesetInput()));
  expect(applied.unguarded).toEqual([
    {
      name: "eth0",
      reason: "the kernel has no netdev egress hook: line 7: Could not process rule: Operation not supported",
    },
  ]);
  expect((await loads()).match(/^(-c )?-f -/gm)).toEqual(["-f -", "-c -f -", "-f -"]);
  await rm(join(folder, "loads"));
  expect((await applier.replace(compileRuleset(rulesetInput({ generation: 8 })))).unguarded).toHaveLength(1);
  expect((await loads()).match(/^(-c )?-f -/gm)).toEqual(["-f -"]);
  expect(await loads()).toContain("ct mark set 8 accept");
});

test("a kernel without timeouts of flows gets everything but these", async () => {
  const refusal = `case "$text" in *"ct timeout"*)
  echo '/dev/stdin:9:1-9: Error: Could not process rule: Operation not supported' >&2; exit 1;; esac`;
  const applier = createNftApplier({ nft: await fakeNft(refusal) });
  expect((await applier.replace(compileRuleset(rulesetInput()))).unguarded).toEqual([]);
  const last = (await loads()).split(/^-f - /m).at(-1);
  expect(last).toContain("hook egress");
  expect(last).toContain("add rule inet opensandbox egress ct state new jump remember");
  expect(last).not.toContain("ct timeout");
  await rm(join(folder, "loads"));
  await applier.replace(compileRuleset(rulesetInput({ generation: 8 })));
  expect((await loads()).match(/^(-c )?-f -/gm)).toEqual(["-f -"]);
});

test("a kernel without a log for packets counts them all the same", async () => {
  const refusal = `case "$text" in *"log group"*)
  echo '/dev/stdin:9:1-9: Error: Could not process rule: No such file or directory' >&2; exit 1;; esac`;
  const applier = createNftApplier({ nft: await fakeNft(refusal) });
  expect((await applier.replace(compileRuleset(rulesetInput()))).unguarded).toEqual([]);
  const last = (await loads()).split(/^-f - /m).at(-1);
  expect(last).toContain('counter name "refused_connections"');
  expect(last).toContain("ct timeout");
  expect(last).not.toContain("log group");
});

test("a kernel without either gets the rest", async () => {
  const refusal = `case "$text" in *"ct timeout"*|*netdev*)
  echo '/dev/stdin:9:1-9: Error: Could not process rule: Operation not supported' >&2; exit 1;; esac`;
  const applier = createNftApplier({ nft: await fakeNft(refusal) });
  expect((await applier.replace(compileRuleset(rulesetInput()))).unguarded).toHaveLength(1);
  expect((await loads()).split(/^-f - /m).at(-1)).not.toMatch(/ct timeout|netdev/);
});

test("a refusal for another reason is not taken for a missing hook", async () => {
  const refusal = `case "$text" in *opensandbox_probe*) exit 0;; esac
echo '/dev/stdin:3:1-9: Error: Could not process rule: No such file or directory' >&2
echo 'meta mark 0x1a2b3c4d' >&2; exit 1`;
  const applier = createNftApplier({ nft: await fakeNft(refusal) });
  await expect(applier.replace(compileRuleset(rulesetInput()))).rejects.toMatchObject({
    name: "KernelError",
    code: "refused",
    detail: "line 3: Could not process rule: No such file or directory",
  });
});

test("the kernel is asked what it holds once, and again when what is remembered no longer fits", async () => {
  const refuseOnce = `if [ -e '${folder}/changed' ]; then rm '${folder}/changed'; exit 1; fi`;
  const applier = createNftApplier({ nft: await fakeNft(refuseOnce) });
  const listings = async (): Promise<number> => (await readFile(join(folder, "listings"), "utf8")).length;
  await applier.replace(compileRuleset(rulesetInput()));
  await applier.replace(compileRuleset(rulesetInput({ mode: "dns" })));
  expect(await listings()).toBe(1);
  expect(await loads()).toContain("delete chain inet opensandbox egress\n");
  await writeFile(join(folder, "changed"), "");
  await applier.replace(compileRuleset(rulesetInput()));
  expect(await listings()).toBe(2);
});

test("nft that says nothing is a refusal all the same", async () => {
  const applier = createNftApplier({ nft: await fakeNft("exit 3") });
  await expect(applier.replace(compileRuleset(rulesetInput({ mode: "dns" })))).rejects.toMatchObject({
    code: "refused",
    detail: "exit 3",
  });
});

test("nft that hangs is ended", async () => {
  const applier = createNftApplier({ nft: await fakeNft("exec sleep 30"), timeoutMs: 200 });
  await expect(applier.replace(compileRuleset(rulesetInput()))).rejects.toMatchObject({ code: "timed-out" });
});

test("nft that is not installed is said so", async () => {
  const applier = createNftApplier({ nft: [join(folder, "missing")] });
  await expect(applier.replace(compileRuleset(rulesetInput()))).rejects.toMatchObject({
    code: "tool-missing",
  });
  await expect(applier.teardown()).rejects.toMatchObject({ code: "tool-missing" });
});

test("an abort ends nft, and is no error of the kernel's", async () => {
  const applier = createNftApplier({ nft: await fakeNft("exec sleep 30") });
  const controller = new AbortController();
  const replaced = applier.replace(compileRuleset(rulesetInput()), controller.signal);
  setTimeout(() => controller.abort(new Error("shutting down")), 200);
  await expect(replaced).rejects.toThrow("shutting down");
});

test("the facts of a namespace are its interfaces and what is on their links", async () => {
  const path = join(folder, "fake-ip");
  const links = [
    { ifname: "lo", addr_info: [address("inet", "127.0.0.1", 8), address("inet6", "::1", 128)] },
    { ifname: "eth0", addr_info: [address("inet", "192.0.2.2", 24), address("inet6", "2001:db8::2", 64)] },
    { ifname: "eth1", addr_info: [] },
  ];
  const v4 = [
    { dst: "default", gateway: "192.0.2.1", dev: "eth0" },
    { dst: "192.0.2.0/24", dev: "eth0", scope: "link" },
    { dst: "169.254.1.1", dev: "eth1", scope: "link" },
    { dst: "198.51.100.0/24", gateway: "192.0.2.1", dev: "eth0" },
    { type: "blackhole", dst: "203.0.113.0/24" },
  ];
  const v6 = [
    { dst: "fe80::/64", dev: "eth0" },
    { dst: "default", dev: "eth1" },
  ];
  await writeFile(
    path,
    `case "$*" in *address*) echo '${JSON.stringify(links)}';; *-4*) echo '${JSON.stringify(v4)}';; *) echo '${JSON.stringify(v6)}';; esac`,
  );
  expect(await readNetworkFacts(["sh", path])).toEqual({
    interfaces: ["eth0", "eth1"],
    onLinkV4: ["192.0.2.2/24", "192.0.2.0/24", "169.254.1.1"],
    onLinkV6: ["2001:db8::2/64", "fe80::/64"],
    ipv6: true,
  });
});

function address(family: string, local: string, prefixlen: number): object {
  return { family, local, prefixlen };
}
