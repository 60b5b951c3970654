/** The order of a start: rules before anything listens, the policy before the API. The program is stopped in mid-start to look. */
import { readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { readKernel } from "../support/policy-places.ts";
import type { Sidecar } from "../support/sidecar.ts";

const POLICY = { egress: [{ action: "allow", target: "203.0.113.1" }] };
const RESOLVER_PORT = 15_353;
const API_PORT = 18_080;

let lab: Lab;
beforeEach(async () => {
  lab = await createLab();
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

/** Starts it and stops it (SIGSTOP) at the first sight of a socket of this namespace that is bound to one of the ports. */
async function startUntilBound(ports: readonly number[]): Promise<Sidecar> {
  const sidecar = await lab.startSidecar({ policy: POLICY, awaitHealth: false });
  const deadline = performance.now() + 10_000;
  while (!isBound(sidecar.pid, ports)) {
    if (performance.now() > deadline) throw new Error(`no socket was bound:\n${sidecar.output()}`);
    await nextTurn();
  }
  process.kill(sidecar.pid, "SIGSTOP");
  return sidecar;
}

/** As the kernel lists them: `  1: 0100007F:3BF9 00000000:0000 ...`. */
function isBound(pid: number, ports: readonly number[]): boolean {
  const lists = ["udp", "udp6", "tcp", "tcp6"].map((name) => readList(`/proc/${pid}/net/${name}`));
  return ports.some((port) => {
    const local = new RegExp(`^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, "0")} `, "m");
    return lists.some((list) => local.test(list));
  });
}

function readList(path: string): string {
  try {
    return readFileSync(path, "ascii");
  } catch {
    return ""; // IPv6 is off
  }
}

test("deny-all and the redirect are in the kernel before anything listens", async () => {
  const sidecar = await startUntilBound([RESOLVER_PORT, API_PORT]);
  expect(isBound(sidecar.pid, [API_PORT])).toBe(false);
  const table = (await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"])).stdout;
  expect(table).toMatch(/th dport 53 redirect to :15353/);
  expect(await lab.curl("http://203.0.113.2/")).toMatchObject({ exitCode: 7 });
  const frames = await lab.canary.during(() => lab.dig("+time=1", "@203.0.113.53", "one.example.org"));
  expect(frames.filter(({ destinationPort }) => destinationPort === 53)).toEqual([]);
});

test("the policy is in the kernel before the API listens", async () => {
  const sidecar = await startUntilBound([API_PORT]);
  expect(await readKernel(lab)).toMatchObject({ allow: ["203.0.113.1"] });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  process.kill(sidecar.pid, "SIGCONT");
  expect(await sidecar.kill()).toMatchObject({ exitCode: 0 });
});
