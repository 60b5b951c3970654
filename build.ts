/**
 * Bundles the program into the folder `dist`, which can be copied anywhere: `egress.mjs` is the command, the
 * other files are what it loads, with koffi's native addon and the code that this Node has compiled; `rules`
 * are the shipped ones. Linux with glibc, the architectures whose addon is installed.
 */
import { chmod, copyFile, cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { execa } from "execa";
import { build, type Plugin } from "rolldown";
import { builtinsUnread } from "./packaging/builtins.ts";
import { moduleIdsOf, writeContents } from "./packaging/contents.ts";
import { plainExports } from "./packaging/plain-exports.ts";
import { bundlePage } from "./src/page/io/bundle-page.ts";

const OUT = "dist";
const COMMAND = join(OUT, "egress.mjs");
/** As `engines` in package.json says. */
const NEEDED = 24;
const ARCHITECTURES = ["x64", "arm64"];
const require = createRequire(import.meta.url);

/**
 * koffi looks for its addon in places that a bundle does not have; this looks beside the bundle, and skips
 * koffi's wrappers.
 */
const koffiBesideTheBundle: Plugin = {
  name: "koffi",
  resolveId: { filter: { id: /^koffi$/ }, handler: () => "\0koffi" },
  load: {
    filter: { id: /^\0koffi$/ },
    handler: () => `export default require("./koffi-linux-" + process.arch + ".node");`,
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

/**
 * Pino's own ways to write, with threads and streams that every start would load, and to black out fields.
 * Its lines go to sinks of ours, and none has a field that is to be blacked out.
 */
const pinoWithoutWriters: Plugin = {
  name: "pino-without-writers",
  resolveId: {
    filter: {
      id: /^(sonic-boom|worker_threads|on-exit-leak-free|(\.\/|\.\/lib\/)(transport|multistream|redaction))$/,
    },
    handler: (id, importer) => (/node_modules\/pino\//.test(importer ?? "") ? `\0unused:${id}` : undefined),
  },
  load: {
    filter: { id: /^\0unused:/ },
    handler: (id) => `module.exports = class { constructor() { throw new Error(${JSON.stringify(id)}); } };`,
  },
};

const { page, moduleIds: pageModuleIds } = await bundlePage();

/** The page for people, finished: what makes it needs this build's tools. */
const finishedPage: Plugin = {
  name: "finished-page",
  load: {
    filter: { id: /\/src\/page\/io\/bundle-page\.ts$/ },
    handler: () => `const page = ${JSON.stringify(page)};\nexport const bundlePage = async () => ({ page });`,
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

/** As the launcher calls it. In strict mode, as the modules that it is made of. */
const asFunction: Plugin = {
  name: "as-function",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "chunk") continue;
      const code = file.code.replace(/^#!.*\n/, "");
      file.code = `((exports, require, __dirname) => { "use strict"; ${code}\n})`;
    }
  },
};

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// Names stay: minifying them too starts no faster (measured), and stack traces from production would say
// nothing.
const minify = { mangle: false, compress: true, codegen: true };

await rm(OUT, { recursive: true, force: true });
const bundle = await build({
  input: { main: "src/main.ts" },
  platform: "node",
  plugins: [
    pinoWithoutWriters,
    builtinsUnread,
    koffiBesideTheBundle,
    englishOnly,
    finishedPage,
    plainExports,
    asciiOnly,
    asFunction,
  ],
  output: {
    dir: OUT,
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    minify,
    // What every start loads stands in one file, as each costs some 0.3 ms; so does what the first call of
    // the API loads. Apart stand what every command loads, what `egress run` needs to start its sidecar, and
    // what it shares with it: loading all of the sidecar takes it 30 ms.
    codeSplitting: {
      groups: [
        {
          name: "early",
          test: /src\/(cli\/run\/(waiting-sidecar|handed|errors|json|given\/[a-z-]+|command\/trusted-path)|config\/start-variables|sys\/(arena|libc|inherited|memory-file|network-namespace|user-namespace))\.ts$|koffi/,
          priority: 3.5,
        },
        {
          name: "command",
          test: /src\/(cli\/(main|help|exit-codes)|sidecar\/version|sys\/(standard-output|errors)|config\/program-path)\.ts$/,
          priority: 4,
        },
        {
          name: "shared",
          test: /src\/(config(\/[a-z-]+)?|(policy|netlink|sys)\/[a-z-]+|netns\/(find-tool|route-socket)|vault\/host-pattern|scrub\/secret-forms|certificates\/(java-store|der)|netfilter\/io\/(tables|opened-flows))\.ts$/,
          priority: 3,
        },
        // Interception stays a file of its own, with node:http2 and all of the relay: only who binds hosts
        // loads it.
        {
          name: "serve",
          test: /src\/(cli\/serve|sidecar\/(?![a-z-]*interception)[a-z-]+)\.ts$/,
          priority: 2,
        },
        { name: "api", test: /src\/api\/(app|answer)\.ts$/, priority: 1 },
      ],
    },
  },
});
const files = (await readdir(OUT)).map((name) => join(OUT, name));
await build({
  input: "src/launcher.ts",
  platform: "node",
  plugins: [builtinsUnread],
  // Older Nodes have to read it to say that they are too old.
  transform: { target: "es2018" },
  output: { file: COMMAND, format: "esm", minify },
});
const launcher = (await readFile(COMMAND, "latin1")).replace(/^#!.*\n/, "");
await writeFile(COMMAND, `${renderFirstLines()}${launcher}`);
await chmod(COMMAND, 0o755);
await writeContents(OUT, "egress", [...moduleIdsOf(bundle), ...pageModuleIds]);
// Found beside the command, wherever the folder is copied.
await cp("rules", join(OUT, "rules"), { recursive: true });
const addons = (await Promise.all(ARCHITECTURES.map(copyAddon))).flat();
if (addons.length === 0)
  throw new Error("koffi's native addon is not installed: run npm ci on Linux, x64 or arm64");
for (const file of files) await keepCode(file);
await tryStart();
for (const name of await readdir(OUT)) {
  const { size } = await stat(join(OUT, name));
  process.stdout.write(`${join(OUT, name)}  ${String(Math.ceil(size / 1024))} KiB\n`);
}

/**
 * The launcher's first lines. The second is a line of the shell, and nothing to JavaScript: sudo has a PATH
 * of its own, in which there often is no Node, so the one beside the command is taken, with which it was
 * installed. The third is read by any Node that knows modules.
 */
function renderFirstLines(): string {
  const missing = String.raw`egress: no node in PATH, nor beside this command; under sudo: sudo "$(command -v node)" "$(command -v egress)" ...`;
  const search = `node=\${0%/*}/node; [ -x "$node" ] || node=$(command -v node)`;
  // A shell hands on no variable whose name is not one of its own, and changes others: `src/cli/run/given`.
  // No variable of the kernel's may be longer than 128 KiB.
  const folders = "/usr/bin:/bin:/run/current-system/sw/bin";
  const pieces = `$(PATH=${folders} base64 -w 120000 "/proc/$$/environ" 2>/dev/null)`;
  const keep = `[ "$1" = run ] && n=0 && for p in ${pieces}; do n=$((n+1)); export "EGRESS_GIVEN_$$_$n=$p"; done`;
  const find = `${search} || { echo '${missing}' >&2; exit 78; }`;
  const old = `process.stderr.write("egress: Node ${NEEDED} or later is needed, and this is "+process.versions.node+"\\n");process.exit(78)`;
  return `#!/bin/sh
':' //; ${find}; ${keep}; exec "$node" "$0" "$@"
if(parseInt(process.versions.node,10)<${NEEDED}){${old}}
`;
}

/**
 * Compiled are all of a file's functions: most are called by a start, and more later. V8 takes the code only
 * by the flags that it was made with.
 */
async function keepCode(file: string): Promise<void> {
  const source = await readFile(file, "latin1");
  setFlagsFromString("--no-lazy");
  const script = new Script(source, { filename: file });
  setFlagsFromString("--lazy");
  const code = script.createCachedData();
  const again = new Script(source, { filename: file, cachedData: code });
  if (again.cachedDataRejected === true) throw new Error(`V8 does not take the code that it made of ${file}`);
  await writeFile(`${file}.code`, code);
}

/**
 * A start that its settings stop (78: there is no such mode) loads what a good one does, and touches no
 * network.
 */
async function tryStart(): Promise<void> {
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
