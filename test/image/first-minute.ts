/**
 * A machine on which nobody has used the program: a container with Node 24, its npm, and the Debian packages
 * that the README asks for, in the network of a lab's sandbox. A clone of the repository is in its home.
 *
 * What is not as on a reader's machine, since no registry is reached from there: the packages come from the
 * image under test, not from apt; `npm ci` is this checkout's `node_modules`, mounted read-only; and the file
 * that `npm pack` would make there was packed by this machine's npm.
 */
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CommandResult } from "../../src/netns/command.ts";
import { INTERNET_V4, type Lab } from "../support/lab.ts";
import { WAIT_MS } from "../support/limits.ts";
import { openPacked } from "../support/packed.ts";
import { imageEngine } from "./containers.ts";
import { LIMITS } from "./engine.ts";
import { IMAGE } from "./global-setup.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Where `.ci/prepare image` installs it. */
const TOOLS = join(ROOT, ".test-tools/node-24/node_modules");
const NODE_24 = join(TOOLS, `node-linux-${process.arch}/bin/node`);
const CLONE = "/root/egress";

/** Takes away what is ours and what the README does not ask for; npm's commands as in the images of Node. */
const CLEAN = `rm -rf /opt/egress /var/egress /usr/local/bin/egress
dpkg --purge --force-depends bind9-dnsutils netbase
for command in npm npx; do ln -s ../lib/node_modules/npm/bin/$command-cli.js /usr/local/bin/$command; done
node --version && npm --version && npx --version`;

/** Whether Node 24 could be had. */
export function hasNode24(): boolean {
  return existsSync(NODE_24);
}

export interface CleanMachine extends AsyncDisposable {
  /** What a person types there, as root, in the clone; both outputs are in `stdout`. */
  type(line: string): Promise<CommandResult>;
}

/** Its resolver is the lab's. */
export async function startCleanMachine(lab: Lab): Promise<CleanMachine> {
  const engine = imageEngine();
  const name = `first-minute-${randomBytes(3).toString("hex")}`;
  await using made = new AsyncDisposableStack();
  const packed = made.use(await openPacked());
  const clone = dirname(await packed.pack("clone"));
  // The link to this checkout's leads nowhere in the container.
  await rm(join(clone, "node_modules"));
  await mkdir(join(clone, "node_modules"));
  made.defer(async () => void (await engine.run(["rm", "--force", "--time", "0", name])));
  await engine.require([
    "run",
    "--detach",
    `--name=${name}`,
    `--network=ns:/run/netns/${lab.sandbox.name}`,
    `--dns=${INTERNET_V4}`,
    // Root of a machine, which makes namespaces and mounts.
    "--privileged",
    ...LIMITS,
    "--no-healthcheck",
    `--volume=${NODE_24}:/usr/local/bin/node:ro`,
    `--volume=${join(TOOLS, "npm")}:/usr/local/lib/node_modules/npm:ro`,
    `--volume=${clone}:${CLONE}`,
    `--volume=${join(ROOT, "node_modules")}:${CLONE}/node_modules:ro`,
    `--workdir=${CLONE}`,
    "--entrypoint=sleep",
    IMAGE,
    "infinity",
  ]);
  await engine.require(["exec", name, "sh", "-ec", CLEAN], { timeoutMs: WAIT_MS });
  const all = made.move();
  return {
    type: (line) => engine.run(["exec", name, "sh", "-c", `exec 2>&1\n${line}`], { timeoutMs: WAIT_MS }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
