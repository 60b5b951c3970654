/**
 * More comes over netlink than a socket has room for, or more than it is worth to listen to: nothing is
 * believed that is not known.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn, createNamespace, execIn, type NetworkNamespace } from "../../src/netns/namespace.ts";
import { startJsonServer } from "../support/json-server.ts";
import { countNftablesListeners } from "../support/nftables-listeners.ts";
import { createLab } from "../support/lab.ts";
import { until } from "../support/until.ts";

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function nft(namespace: NetworkNamespace, script: string): Promise<void> {
  await requireCommand(argvIn(namespace, ["nft", "-f", "-"]), { input: script });
}

test("errors that find no room: the batch is refused for the first one, and the next batch is not taken for it", async () => {
  await using namespace = await createNamespace("overrun");
  const run = await execIn(namespace, [process.execPath, pathOf("overrun-child.ts")]);
  expect(run.stderr).not.toContain("Error");
  const one = ["in force", "ENOENT", "in force", 5];
  const changes = { small: false, many: true, smallAgain: false };
  expect(JSON.parse(run.stdout)).toEqual({ changes, learned: [one, one] });
});

test("under a flood of learned addresses a foreign change is noticed, and none of our own is taken for one", async () => {
  await using namespace = await createNamespace("flood");
  await using child = await startJsonServer(namespace, [process.execPath, pathOf("flood-child.ts")]);
  const batches = (): number => Number(child.lines.findLast(({ event }) => event === "batches")?.["batches"]);
  const foreign = (): readonly unknown[] => child.lines.filter(({ event }) => event === "foreign");
  const listeners = (): number => countNftablesListeners(child.process.pid);
  await until("nobody listens any more", () => listeners() === 0);
  const unheard = batches();
  await until("the flood goes on", () => batches() > unheard + 10_000);
  expect(foreign()).toEqual([]);
  expect(listeners()).toBe(0);

  await nft(namespace, "insert rule inet opensandbox egress accept");
  await until("it is noticed", () => foreign().length > 0);
  expect(foreign()).toMatchObject([{ found: ["something changed while a load was under way"] }]);

  // From then on it listens, whatever it costs.
  await nft(namespace, "insert rule inet opensandbox antispoof accept");
  await until("it is noticed", () => foreign().length > 1);
  expect(foreign()[1]).toMatchObject({ found: ["inet opensandbox: rule added in chain antispoof"] });
  const before = batches();
  await until("the flood goes on", () => batches() > before + 5_000);
  child.process.stdin.end();
  await until("it ends", () => child.lines.some(({ event }) => event === "done"));
  expect(foreign()).toHaveLength(2);
});

test("more changes of others than the monitor has room for while the sidecar stands still: repaired as if they were ours", async () => {
  await using lab = await createLab();
  const sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "203.0.113.1" }] },
  });
  const repairs = (): readonly Readonly<Record<string, unknown>>[] =>
    sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.ruleset_repaired");
  process.kill(sidecar.pid, "SIGSTOP");
  try {
    const elements = Array.from({ length: 65_536 }, (_, index) => `2001:db8:${index.toString(16)}::1`);
    await nft(
      lab.sandbox,
      `table inet theirs { set many { type ipv6_addr; elements = { ${elements.join(", ")} }; }; }`,
    );
    // It comes last, so it is lost.
    await nft(lab.sandbox, "insert rule inet opensandbox egress accept");
  } finally {
    process.kill(sidecar.pid, "SIGCONT");
  }
  const event = await until("it is repaired", () => repairs()[0]);
  expect(event).toMatchObject({ found: ["more changes than could be told"] });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.2/")).toMatchObject({ exitCode: 7 });
  expect(repairs()).toHaveLength(1);
});
