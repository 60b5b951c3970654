/**
 * Bundles the program into one file, `dist/egress.mjs`, with koffi's native addon beside it; the two can be copied anywhere.
 * Linux with glibc, the architectures whose addon is installed.
 */
import { chmod, copyFile, mkdir, readFile, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";

const OUT = "dist";
const BUNDLE = join(OUT, "egress.mjs");
const ARCHITECTURES = ["x64", "arm64"];

/** koffi looks for its addon in places that a bundle does not have; this looks beside the bundle, and skips koffi's wrappers. */
const koffiBesideTheBundle: Plugin = {
  name: "koffi",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^koffi$/ }, () => ({ path: "koffi", namespace: "addon" }));
    onLoad({ filter: /.*/, namespace: "addon" }, () => ({
      contents: `import { createRequire } from "node:module";
export default createRequire(import.meta.url)("./koffi-linux-" + process.arch + ".node");`,
    }));
  },
};

/** zod brings its messages in fifty languages; ours are written here, in one. */
const englishOnly: Plugin = {
  name: "english-only",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT);
const entry = "src/main.ts";
const hasShebang = (await readFile(entry, "utf8")).startsWith("#!");
await build({
  entryPoints: [entry],
  outfile: BUNDLE,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  // Names stay: minifying them too starts no faster (measured), and stack traces from production would say nothing.
  minifyWhitespace: true,
  minifySyntax: true,
  charset: "utf8",
  // Some dependencies are CommonJS and call require() for Node's own modules.
  banner: {
    js: `${hasShebang ? "" : "#!/usr/bin/env node\n"}import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`,
  },
  plugins: [koffiBesideTheBundle, englishOnly],
});
await chmod(BUNDLE, 0o755);
const addons = (await Promise.all(ARCHITECTURES.map(copyAddon))).flat();
if (addons.length === 0)
  throw new Error("koffi's native addon is not installed: run npm ci on Linux, x64 or arm64");
for (const path of [BUNDLE, ...addons]) {
  process.stdout.write(`${path}  ${String(Math.ceil((await stat(path)).size / 1024))} KiB\n`);
}

/** npm installs the addon of the machine's own architecture only. */
async function copyAddon(arch: string): Promise<readonly string[]> {
  const require = createRequire(import.meta.url);
  let manifest: string;
  try {
    manifest = require.resolve(`@koromix/koffi-linux-${arch}/package.json`);
  } catch {
    return [];
  }
  const target = join(OUT, `koffi-linux-${arch}.node`);
  await copyFile(join(dirname(manifest), `linux_${arch}`, "koffi.node"), target);
  return [target];
}
