/**
 * Row 42: connections to a bound host that are kept, each with octets that have to be kept for it, until a
 * sidecar with 256 MiB of memory has none left. It is ended then, and the vault, which is in memory alone, is
 * lost.
 */
import { expect, test } from "vitest";
import { API, useBoundHosts } from "../support/bound-hosts.ts";
import { LONG_MS } from "../support/limits.ts";
import { createMemoryGroup } from "../support/memory-group.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { startAttack } from "./attack.ts";

const LIMIT_OCTETS = 256 << 20;
const on = useBoundHosts();
/** What its answer shows of the secret that the host has got. */
const INJECTED = "[REDACTED]";

/** As an honest client asks; with what the host has got. */
async function askHonestly(sidecar: Sidecar): Promise<unknown> {
  const { answer } = await on.ask(`https://${API}/a`, "--cacert", on.bundle(sidecar));
  return answer["injected"];
}

async function countShed(sidecar: Sidecar): Promise<number> {
  const { text } = await sidecar.api("GET", "/metrics");
  return Number(/^egress_connections_shed_total (\d+)/m.exec(text)?.[1]);
}

test.for<[string, readonly string[]]>([
  ["heads that never end", ["head:1900"]],
  ["bodies that nobody reads", ["body:700"]],
  ["streams with large heads that nobody answers", ["h2-head:200"]],
  ["all of them, with idle sessions and parts of records", ["h2:900", "record:300", "head:400", "body:300"]],
])("row 42: %s take no more than there is, and honest requests are served", async ([, plans], context) => {
  await using group =
    createMemoryGroup(LIMIT_OCTETS) ?? skipBecause(context, "no memory group can be made here");
  const program = group.wrap([process.execPath, MAIN, "serve"]);
  await using sidecar = await on.start({}, { program });
  await on.bind(sidecar, [API]);
  expect(await askHonestly(sidecar)).toBe(INJECTED);
  {
    await using attack = await startAttack(on.lab, "keep_memory", on.bundle(sidecar), API, ...plans);
    const isOver = (): boolean => attack.lines.length > plans.length;
    const during: unknown[] = [];
    await until(
      "all is held",
      async () => {
        during.push(await askHonestly(sidecar));
        return isOver();
      },
      LONG_MS,
    );
    expect(group.kills()).toBe(0);
    expect(during.filter((injected) => injected !== INJECTED)).toEqual([]);
  }
  expect(await askHonestly(sidecar)).toBe(INJECTED);
  expect((await sidecar.api("GET", "/credential-vault")).text).toContain('"name":"c"');
  expect(await countShed(sidecar)).toBeGreaterThan(0);
  expect(sidecar.logs()).toContainEqual(
    expect.objectContaining({ "opensandbox.event": "egress.connection_shed", "target.host": API }),
  );
  expect(group.kills()).toBe(0);
});
