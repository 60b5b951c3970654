/**
 * Packets that the kernel holds, on this kernel, with OpenSSL as client: what is told of them, and what each
 * verdict brings about.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { QUEUE_HOOK } from "../../src/netfilter/wire/packet-queue.ts";
import { configure, createNamespace, execIn, hasIpv6 } from "../../src/netns/namespace.ts";
import { WAIT_MS } from "../support/limits.ts";
import { skipBecause } from "../support/skip.ts";

const CHILD = fileURLToPath(new URL("../netfilter/queue-child.ts", import.meta.url));

test.for([4, 6])(
  "a queue holds, passes, marks and refuses over IPv%i, and lets nothing by while nobody reads",
  async (family, context) => {
    await using namespace = await createNamespace("queue");
    if (family === 6 && !(await hasIpv6(namespace))) skipBecause(context, "this machine has no IPv6");
    await configure(namespace, ["link set lo up"]);
    const run = await execIn(namespace, [process.execPath, CHILD, String(family)], { timeoutMs: WAIT_MS });
    expect(run.stderr).not.toContain("Error");
    expect(JSON.parse(run.stdout)).toEqual({
      hasForm: true,
      openssl: {
        shown: { kind: "tls", name: "api.example.org", end: expect.any(Number) },
        before: [],
        isSame: true,
        packet: { queue: 15_353, id: 0, hook: QUEUE_HOOK.output, isChecksumNotReady: true },
      },
      marked: { received: ["first", "second"], queuedAgain: 0 },
      refused: { code: "ECONNRESET", received: [] },
      reopened: {
        before: [],
        texts: ["later", "waiting"],
        received: ["later", "waiting"],
        other: "nfnetlink_queue: queue 15353 is held by another program, as by another sidecar: EPERM",
      },
      full: { before: 0, received: 6 },
      gone: { ENOENT: 1 },
    });
  },
);
