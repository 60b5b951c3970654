/** Bundles `egress-sidecar/client` into `dist/client.mjs`, with its types in `dist/types`. Its one argument is another folder than dist. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";

const out = process.argv[2] ?? "dist";

await build({
  entryPoints: ["src/client/client.ts"],
  outfile: join(out, "client.mjs"),
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  charset: "utf8",
});
await promisify(execFile)("npx", ["tsc", "-p", "tsconfig.client.json", "--outDir", join(out, "types")]);
