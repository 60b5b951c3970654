/**
 * The order of a start: rules before anything listens, the policy before the API. The program is stopped in
 * mid-start to look.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { readKernel } from "../support/policy-places.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { egress: [{ action: "allow", target: "203.0.113.1" }] };
/** Of so many rules that nft(8) has to load them: until the API listens there is time to look. */
const LONG_POLICY = {
  egress: [
    ...POLICY.egress,
    ...Array.from({ length: 2000 }, (_, n) => ({
      action: "allow",
      target: `198.18.${n >> 8}.${n & 255}`,
    })),
  ],
};
const RESOLVER_PORT = 15_353;

const lab = useLab({ per: "test" });

/** Starts it and stops it (SIGSTOP) at the first sight of such a socket of this namespace. */
async function startUntil(isBound: (pid: number) => boolean, policy: unknown): Promise<Sidecar> {
  const sidecar = await lab.startSidecar({ policy, awaitHealth: false });
  const deadline = performance.now() + 20_000;
  let isInSandbox = false;
  while (!isInSandbox || !isBound(sidecar.pid)) {
    isInSandbox ||= !isStillHere(sidecar.pid);
    if (performance.now() > deadline) throw new Error(`no socket was bound:\n${sidecar.output()}`);
    await nextTurn();
  }
  process.kill(sidecar.pid, "SIGSTOP");
  return sidecar;
}

/** It has not entered the sandbox's namespace yet, and its lists are the machine's. */
function isStillHere(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync("/proc/self/ns/net");
}

/**
 * The local ports of sockets, as the kernel lists them: `  1: 0100007F:3BF9 00000000:0000 0A ...`; 0A is one
 * that listens.
 */
function listPorts(pid: number, names: readonly string[], state = "[0-9A-F]{2}"): readonly number[] {
  const row = new RegExp(`^ *\\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ${state} `, "gm");
  return names.flatMap((name) =>
    Array.from(readList(`/proc/${pid}/net/${name}`).matchAll(row), ([, port = ""]) =>
      Number.parseInt(port, 16),
    ),
  );
}

/** Its first socket is there. One list, since the kernel's next steps do not wait for whoever looks. */
const isResolverBound = (pid: number): boolean => listPorts(pid, ["udp"]).includes(RESOLVER_PORT);

/**
 * It listens on any other port; the one above is the resolver's, too, for lookups that go to link-local
 * addresses.
 */
const isApiBound = (pid: number): boolean =>
  listPorts(pid, ["tcp", "tcp6"], "0A").some((port) => port !== RESOLVER_PORT && port !== RESOLVER_PORT + 1);

function readList(path: string): string {
  try {
    return readFileSync(path, "ascii");
  } catch {
    return ""; // IPv6 is off
  }
}

const TRIES = 5;

/**
 * Stopped once the resolver has its socket, and before the API listens. On a busy machine a look may come too
 * late: then once more.
 */
async function startUntilResolver(): Promise<Sidecar> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const sidecar = await startUntil(isResolverBound, LONG_POLICY);
    if (!isApiBound(sidecar.pid)) return sidecar;
    await sidecar.kill("SIGKILL");
    // Nothing of this start may be there for the next one.
    await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
  }
  throw new Error(`the API listened by the time the resolver did, ${TRIES} times`);
}

test("deny-all and the redirect are in the kernel before anything listens", async () => {
  await startUntilResolver();
  const table = (await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"])).stdout;
  expect(table).toMatch(/th dport 53 redirect to :15353/);
  expect(await lab.curl("http://203.0.113.2/")).toMatchObject({ exitCode: 7 });
  const frames = await lab.canary.during(() => lab.dig("+time=1", "@203.0.113.53", "one.example.org"));
  expect(frames.filter(({ destinationPort }) => destinationPort === 53)).toEqual([]);
});

test("the policy is in the kernel before the API listens", async () => {
  const sidecar = await startUntil(isApiBound, POLICY);
  expect(await readKernel(lab)).toMatchObject({ allow: ["203.0.113.1"] });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  process.kill(sidecar.pid, "SIGCONT");
  expect(await sidecar.kill()).toMatchObject({ exitCode: 0 });
});

test("a start runs nft(8) once: the first policy differs little from deny-all", async () => {
  const bin = join(lab.stateFolder, "bin");
  await mkdir(bin);
  const runs = join(lab.stateFolder, "runs");
  const script = `#!/bin/sh\necho run >>"${runs}"\nexec /usr/sbin/nft "$@"\n`;
  await writeFile(join(bin, "nft"), script, { mode: 0o755 });
  await lab.startSidecar({ policy: POLICY, env: { PATH: `${bin}:${process.env["PATH"] ?? ""}` } });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  expect(await readFile(runs, "utf8")).toBe("run\n");
});
