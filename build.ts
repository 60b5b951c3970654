/**
 * Bundles the program into the folder `dist`, which can be copied anywhere: `egress.mjs` is the command, the other files are what it
 * loads, with koffi's native addon and the code that this Node has compiled. Linux with glibc, the architectures whose addon is installed.
 */
import { copyFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { build, type Plugin } from "rolldown";

const OUT = "dist";
const COMMAND = join(OUT, "egress.mjs");
const ARCHITECTURES = ["x64", "arm64"];
const require = createRequire(import.meta.url);

/** Code that this same Node has compiled once is kept beside the bundle, where that can be written, and goes with it to other places. */
const LAUNCHER = `#!/usr/bin/env node
process.env.NODE_COMPILE_CACHE_PORTABLE = "1";
process.getBuiltinModule("node:module").enableCompileCache(import.meta.dirname + "/cache");
delete process.env.NODE_COMPILE_CACHE_PORTABLE;
await import("./main.mjs");
`;

/** koffi looks for its addon in places that a bundle does not have; this looks beside the bundle, and skips koffi's wrappers. */
const koffiBesideTheBundle: Plugin = {
  name: "koffi",
  resolveId: { filter: { id: /^koffi$/ }, handler: () => "\0koffi" },
  load: {
    filter: { id: /^\0koffi$/ },
    handler: () => `import { createRequire } from "node:module";
export default createRequire(import.meta.url)("./koffi-linux-" + process.arch + ".node");`,
  },
};

/** zod brings its messages in fifty languages; ours are written here, in one. */
const englishOnly: Plugin = {
  name: "english-only",
  load: {
    filter: { id: /zod\/v4\/locales\/index\.js$/ },
    handler: () => 'export { default as en } from "./en.js";',
  },
};

/** V8 keeps a text with one other character in it at twice the size. */
const asciiOnly: Plugin = {
  name: "ascii-only",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === "chunk") file.code = file.code.replace(/[\x80-\uffff]/g, escapeUnit);
    }
  },
};

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Node's own modules are taken as they are, not imported: an import has Node read every property of the module, and with
 * `node:http` that loads its whole WebSocket and fetch client, 20 ms and 7 MiB. What these modules make only when it is asked for is left
 * to their default export. `node:module` is what the bundler's own code imports.
 */
const builtinsUnread: Plugin = {
  name: "builtins-unread",
  resolveId: {
    filter: {
      id: new RegExp(`^(node:)?(${builtinModules.map(bareName).filter(isReplaced).join("|")})$`),
    },
    handler: (id) => ({ id: `\0node:${bareName(id)}`, moduleSideEffects: false }),
  },
  load: { filter: { id: /^\0node:/ }, handler: (id) => renderBuiltin(id.slice(1)) },
};
const MAKES_WHEN_ASKED: ReadonlySet<string> = new Set(["node:http", "node:crypto", "node:process"]);

function bareName(id: string): string {
  return id.replace(/^node:/, "");
}

function isReplaced(name: string): boolean {
  return name !== "module";
}

function renderBuiltin(id: string): string {
  const found: unknown = require(id);
  const properties = Object.entries(Object.getOwnPropertyDescriptors(Object(found)));
  const isExported = ([name, property]: (typeof properties)[number]): boolean =>
    name !== "default" && ("value" in property || !MAKES_WHEN_ASKED.has(id));
  const names = properties.filter(isExported).map(([name]) => name);
  // Each by itself, so that what nobody imports is left out.
  const read = names.map((name, n) => `const v${n} = /* @__PURE__ */ (() => builtin.${name})();`);
  const exported = names.map((name, n) => `v${n} as ${name}`);
  return [
    `const builtin = process.getBuiltinModule(${JSON.stringify(id)});`,
    ...read,
    `export { builtin as default, ${exported.join(", ")} };`,
  ].join("\n");
}

await rm(OUT, { recursive: true, force: true });
await build({
  input: { main: "src/main.ts" },
  platform: "node",
  plugins: [builtinsUnread, koffiBesideTheBundle, englishOnly, asciiOnly],
  output: {
    dir: OUT,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name].mjs",
    // Names stay: minifying them too starts no faster (measured), and stack traces from production would say nothing.
    minify: { mangle: false, compress: true, codegen: true },
    // What every start loads stands in one file, as each costs some 0.3 ms; so does what the first call of the API loads.
    codeSplitting: {
      groups: [
        { name: "serve", test: /src\/cli\/serve(-api)?\.ts$/, priority: 2 },
        { name: "api", test: /src\/api\/(app|answer)\.ts$/, priority: 1 },
      ],
    },
  },
});
await writeFile(COMMAND, LAUNCHER, { mode: 0o755 });
const addons = (await Promise.all(ARCHITECTURES.map(copyAddon))).flat();
if (addons.length === 0)
  throw new Error("koffi's native addon is not installed: run npm ci on Linux, x64 or arm64");
await keepCompiledCode();
for (const name of await readdir(OUT)) {
  const { size } = await stat(join(OUT, name));
  process.stdout.write(`${join(OUT, name)}  ${String(Math.ceil(size / 1024))} KiB\n`);
}

/** A start that its settings stop (78: there is no such mode) compiles most of what a good one does, and touches no network. */
async function keepCompiledCode(): Promise<void> {
  const env = { OPENSANDBOX_EGRESS_MODE: "nft" };
  const { exitCode, stderr } = await execa(process.execPath, [COMMAND, "serve"], { env, reject: false });
  if (exitCode !== 78) throw new Error(`the bundle does not start: ${stderr}`);
}

/** npm installs the addon of the machine's own architecture only. */
async function copyAddon(arch: string): Promise<readonly string[]> {
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
