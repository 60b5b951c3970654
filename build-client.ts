/**
 * Bundles `egress-sidecar/client` into `dist/client.mjs`, with its types in `dist/types`. Its one argument is
 * another folder than dist.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "rolldown";
import { moduleIdsOf, writeContents } from "./packaging/contents.ts";

const out = process.argv[2] ?? "dist";

const bundle = await build({
  input: "src/client/client.ts",
  platform: "node",
  output: { file: join(out, "client.mjs"), format: "esm", codeSplitting: false },
});
await writeContents(out, "client", moduleIdsOf(bundle));
await promisify(execFile)("npx", ["tsc", "-p", "tsconfig.client.json", "--outDir", join(out, "types")]);
