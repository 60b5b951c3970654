/**
 * Fetches what `npm pack` needs and `npm ci` does not install, unless it is there. Says what it fetches, else
 * nothing.
 */
import { ARCHITECTURES, fetchAddon } from "./addons.ts";

const ROOT = `${import.meta.dirname}/..`;

for (const arch of ARCHITECTURES) {
  if (arch !== process.arch) await fetchAddon(ROOT, arch);
}
