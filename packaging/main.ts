/**
 * Completes `dist` for `npm pack`: the addons of all architectures, the bill of materials, the licences of
 * the code that is bundled.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { addonKey, ARCHITECTURES, unpackAddon } from "./addons.ts";
import { renderBillOfMaterials } from "./bill-of-materials.ts";
import { readContents } from "./contents.ts";
import { readLock } from "./lock.ts";
import { readLicense, renderNotices } from "./notices.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
const KOFFI = "node_modules/koffi";

const lock = await readLock(ROOT);
const bundled = [...(await readContents(DIST)), KOFFI].sort().map(lock);
const addons = ARCHITECTURES.map(addonKey).map(lock);
for (const arch of ARCHITECTURES) if (arch !== process.arch) await unpackAddon(ROOT, arch, DIST);
const packages = [...bundled, ...addons].sort((a, b) => (a.name < b.name ? -1 : 1));
const texts = new Map(
  await Promise.all(
    // The addons are koffi, compiled.
    packages.map(
      async ({ key }) =>
        [
          key,
          await readLicense(join(ROOT, addons.some((addon) => addon.key === key) ? KOFFI : key)),
        ] as const,
    ),
  ),
);
await writeFile(join(DIST, "sbom.cdx.json"), renderBillOfMaterials(manifest, packages));
await writeFile(join(DIST, "THIRD-PARTY-LICENSES.txt"), renderNotices(packages, texts));
for (const bundle of ["egress", "client"]) await rm(join(DIST, `${bundle}-contents.json`));
