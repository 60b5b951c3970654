/**
 * Row 42, the other way: requests of HTTP/2 with large heads that are reset as soon as they are read, while
 * others are under way that nobody answers. What is no longer wanted must not be kept, whatever the host
 * speaks: three sessions ended a sidecar with 256 MiB.
 */
import { expect, test } from "vitest";
import { API, OLD, useBoundHosts } from "../support/bound-hosts.ts";
import { LONG_MS } from "../support/limits.ts";
import { createMemoryGroup } from "../support/memory-group.ts";
import { skipBecause } from "../support/skip.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { startAttack } from "./attack.ts";

const MEMORY_OCTETS = 256 << 20;
const SESSIONS = 5;
const RESETS = 900;
const on = useBoundHosts();

test.for([
  ["HTTP/1.1", OLD],
  ["HTTP/2", API],
])(
  "row 42: heads of requests that are reset, to a host of %s, are let go",
  async ([, name = ""], context) => {
    await using group =
      createMemoryGroup(MEMORY_OCTETS) ?? skipBecause(context, "no memory group can be made here");
    const program = group.wrap([process.execPath, MAIN, "serve"]);
    await using sidecar = await on.start({}, { program });
    await on.bind(sidecar, [name]);
    const bundle = on.bundle(sidecar);
    const ask = async (): Promise<unknown> =>
      (await on.ask(`https://${name}/a`, "--cacert", bundle)).answer["injected"];
    expect(await ask()).toBe("[REDACTED]");
    {
      await using attack = await startAttack(on.lab, "reset_heads", bundle, name, `${SESSIONS}`, `${RESETS}`);
      const held = () => attack.lines.filter(({ event }) => event === "held");
      await until("all is tried", () => held().length === SESSIONS || group.kills() > 0, LONG_MS);
      expect(group.kills()).toBe(0);
      expect(await ask()).toBe("[REDACTED]");
    }
    expect(group.kills()).toBe(0);
    expect(sidecar.logs()).toContainEqual(
      expect.objectContaining({
        "opensandbox.event": "egress.connection_shed",
        "target.host": name,
        reason: "too many resets",
      }),
    );
  },
);
