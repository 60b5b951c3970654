/**
 * A Python virtual environment with the platform's server and SDK, of the versions that this test was written
 * for.
 */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { requireCommand } from "../../src/netns/command.ts";

const PACKAGES = ["opensandbox-server==1.1.1", "opensandbox==1.1.1"];
const CACHE = "/var/cache/egress-platform-test";

/**
 * The folder of its programs. Made once a machine, by pip from wherever this machine's pip gets packages:
 * some minutes.
 */
export async function findPython(): Promise<string> {
  const folder = `${CACHE}/${PACKAGES.join("-")}`;
  if (existsSync(`${folder}/ready`)) return `${folder}/bin`;
  await mkdir(CACHE, { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await requireCommand(["python3", "-m", "venv", folder], { timeoutMs: 120_000 });
  await requireCommand([`${folder}/bin/pip`, "install", "--quiet", ...PACKAGES], { timeoutMs: 600_000 });
  await mkdir(`${folder}/ready.part`);
  await rename(`${folder}/ready.part`, `${folder}/ready`);
  return `${folder}/bin`;
}
