/**
 * Another version's rules are in force when the sidecar starts: they hold until ours are in, in one step, and
 * allowed flows go on.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn, execIn } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { startDownload } from "../support/download.ts";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import { HAMMERED_NAME, hammeredFrames, startHammer, wasHammeredNameAsked } from "../support/hammer.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { egress: [{ action: "allow", target: "one.example.org" }] };

const lab = useLab({
  per: "test",
  zone: { [HAMMERED_NAME]: { addresses: ["198.51.100.66"] } },
  upstream: { ttlSeconds: 300 },
});

const listTable = (): Promise<string> =>
  requireCommand(argvIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"]));

/**
 * As another version may have left it: a set of another kind, one that is missing, other hooks, chains of its
 * own.
 */
async function pretendAnotherVersion(): Promise<void> {
  const table = await listTable();
  const firstChain = table.indexOf("\tchain ");
  const [sets, chains] = [table.slice(0, firstChain), table.slice(firstChain)];
  const theirs = [
    "delete table inet opensandbox",
    sets.replace(/(set deny_v4 \{\s+type ipv4_addr\s+flags) interval/, "$1 timeout"),
    "chain extra { counter; }",
    "chain egress_late { type filter hook output priority 10; policy accept; jump extra; }",
    // Not every kernel takes a queue from nft(8), which for its part takes no number for a mark.
    chains
      .replace(/hook forward priority \S+;/, "hook forward priority 5;")
      .replaceAll(/^\s+queue .*$|^.*@awaited.*$/gm, ""),
  ];
  const text = theirs.join("\n").replaceAll("revoked_v6", "denied_v6");
  await requireCommand(argvIn(lab.sandbox, ["nft", "-f", "-"]), { input: text });
  const kind = "table inet opensandbox { set deny_v4 { type ipv4_addr; flags interval; }; }";
  const inPlace = await execIn(lab.sandbox, ["nft", "-f", "-"], { input: kind });
  expect(inPlace).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("File exists") });
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("the start takes over what it can't change in place, and no packet that is denied leaves", async () => {
    const before = await lab.startSidecar({ policy: POLICY });
    const download = await startDownload(lab, "http://one.example.org/slow", family.flag);
    await before.kill("SIGKILL");
    await pretendAnotherVersion();
    await using hammer = await startHammer(lab);
    const frames = await lab.canary.during(async () => {
      await lab.startSidecar({ policy: POLICY });
      const octets = download.octets();
      await until("the download goes on", () => download.octets() > octets + 8_192);
      await hammer.stop();
    });
    expect(hammeredFrames(frames)).toEqual([]);
    expect(wasHammeredNameAsked(lab)).toBe(false);
    expect(download.hasEnded()).toBe(false);
    expect(await readAddresses(lab.sandbox, `dyn_allow_${family.set}`)).toContain(family.one);
    expect(await lab.curl(...urlAt(family.one, "http://one.example.org/"))).toMatchObject({ status: 200 });
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ exitCode: 7 });
    const table = await listTable();
    expect(table).toMatch(/set deny_v4 \{\s+type ipv4_addr\s+flags interval/);
    expect(table).not.toMatch(/egress_late|extra|denied_v6/);
  });
});
