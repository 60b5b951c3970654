/**
 * The sidecar stands still while more happens than its sockets have room for. What happens after that is seen
 * as before.
 */
import { expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn, configure, execIn } from "../../src/netns/namespace.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const ROUNDS = [1, 2, 3];
const lab = useLab({ per: "test" });
const start = (): Promise<Sidecar> =>
  lab.startSidecar({ policy: { egress: [{ action: "allow", target: "203.0.113.1" }] } });

async function nft(script: string): Promise<void> {
  await requireCommand(argvIn(lab.sandbox, ["nft", "-f", "-"]), { input: script });
}

async function standingStill(sidecar: Sidecar, act: () => Promise<void>): Promise<void> {
  process.kill(sidecar.pid, "SIGSTOP");
  try {
    await act();
  } finally {
    process.kill(sidecar.pid, "SIGCONT");
  }
}

/** Enough for the monitor's two megabytes. */
function manySets(): string {
  const sets = Array.from({ length: 6 }, (_, set) => {
    const elements = Array.from(
      { length: 20_000 },
      (__, index) => `2001:db8:${set}:${index.toString(16)}::1`,
    );
    return `set s${set} { type ipv6_addr; elements = { ${elements.join(", ")} }; };`;
  });
  return `table inet theirs; delete table inet theirs; table inet theirs { ${sets.join(" ")} };`;
}

const healthOf = async (sidecar: Sidecar): Promise<number> => (await sidecar.api("GET", "/healthz")).status;

test("rules flushed after an overflow: repaired, each time; health is bad until then", async () => {
  const sidecar = await start();
  const repairs = (): number =>
    sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.ruleset_repaired").length;
  for (const round of ROUNDS) {
    await standingStill(sidecar, () => nft(manySets()));
    await until(`overflow ${round} is repaired`, () => repairs() > 0);
    await until(`health ${round} is good`, async () => (await healthOf(sidecar)) === 200);
    const before = repairs();
    await standingStill(sidecar, () => nft("flush ruleset"));
    expect([round, await healthOf(sidecar)]).toEqual([round, 503]);
    await until(`flush ${round} is repaired`, () => repairs() > before);
    await until(`health ${round} is good`, async () => (await healthOf(sidecar)) === 200);
    expect(await lab.curl("http://203.0.113.2/")).toMatchObject({ exitCode: 7 });
    expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  }
});

test("a new interface after an overflow by routes has its guard, each time", async () => {
  const sidecar = await start();
  for (const round of ROUNDS) {
    const routes = Array.from(
      { length: 16_000 },
      (_, index) => `route replace 198.18.${index >> 8}.${index & 255}/32 dev eth0 metric ${round}`,
    );
    await standingStill(sidecar, () => configure(lab.sandbox, routes));
    await configure(lab.sandbox, [`link add new${round} type veth peer far${round}`]);
    await until(`new${round} is guarded`, () => hasGuard(`new${round}`));
    expect(await hasGuard(`far${round}`)).toBe(true);
  }
  expect(await healthOf(sidecar)).toBe(200);
});

async function hasGuard(name: string): Promise<boolean> {
  const { stdout } = await execIn(lab.sandbox, ["nft", "list", "table", "netdev", "opensandbox_guard"]);
  return stdout.includes(`"${name}"`);
}
