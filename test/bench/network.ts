/**
 * The benches' network: an internet with the upstream, and sandboxes, each a namespace of its own with a link
 * to the internet. It is joined to nothing of the machine's, and all of it goes when it is disposed.
 *
 *     sandbox n 198.51.100.2n+1/31  <-- eth0 / vn -->  internet 198.51.100.2n/31, upstream 203.0.113.53
 *
 * {@link MAX_SANDBOXES} at most.
 */
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  createNamespace,
  configure,
  type NetworkNamespace,
  spawnIn,
  type OwnedNamespace,
} from "../../src/netns/namespace.ts";
import { createVethPair } from "../../src/netns/veth.ts";
import type { Processors } from "./processors.ts";

export const UPSTREAM = { address: "203.0.113.53", port: 53 } as const;

export interface BenchNetwork extends AsyncDisposable {
  readonly upstreamPid: number;
  readonly internet: NetworkNamespace;
  /** A fresh sandbox; goes with the network at the latest. */
  addSandbox(label: string): Promise<OwnedNamespace>;
}

const UPSTREAM_PROGRAM = fileURLToPath(new URL("load/upstream.ts", import.meta.url));
export const MAX_SANDBOXES = 128;

export async function createBenchNetwork(processors: Processors): Promise<BenchNetwork> {
  await using made = new AsyncDisposableStack();
  const internet = made.use(await createNamespace("eg-bench-internet"));
  await configure(internet, [`addr add ${UPSTREAM.address}/32 dev lo`]);
  const upstream = spawnIn(
    internet,
    processors.pinned("load", [process.execPath, UPSTREAM_PROGRAM, UPSTREAM.address, String(UPSTREAM.port)]),
  );
  made.defer(async () => {
    upstream.kill("SIGKILL");
    await upstream.end;
  });
  upstream.stderr.resume();
  for await (const line of createInterface({ input: upstream.stdout })) if (line === "ready") break;
  if (upstream.hasEnded()) throw new Error("the upstream did not start");
  const sandboxes = made.use(new AsyncDisposableStack());
  const free = Array.from({ length: MAX_SANDBOXES }, (_, index) => index);
  const all = made.move();
  return {
    upstreamPid: upstream.pid,
    internet,
    async addSandbox(label) {
      const index = free.shift();
      if (index === undefined) throw new RangeError(`more than ${MAX_SANDBOXES} sandboxes`);
      const namespace = sandboxes.use(await createNamespace(`eg-bench-${label}`));
      await join(internet, namespace, index);
      return {
        name: namespace.name,
        async [Symbol.asyncDispose]() {
          await namespace[Symbol.asyncDispose]();
          free.push(index);
        },
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The link goes with the sandbox. */
async function join(internet: OwnedNamespace, sandbox: OwnedNamespace, index: number): Promise<void> {
  const [near, far] = [`198.51.100.${2 * index}`, `198.51.100.${2 * index + 1}`];
  await createVethPair(
    {
      namespace: sandbox,
      device: "eth0",
      addresses: [`${far}/31`],
      routes: [`route add default via ${near}`],
    },
    { namespace: internet, device: `v${index}`, addresses: [`${near}/31`] },
  );
}
