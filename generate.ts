/**
 * Writes what is made from the code and kept beside it: `docs/egress.schema.json`, `docs/openapi.json`, and
 * the client's types from that. Needs the network: the types' generator wants an older TypeScript than ours,
 * so npm fetches both for this one run.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { createDocument } from "./src/api/openapi/document.ts";
import { configSchema } from "./src/cli/run/config/shape.ts";

const run = promisify(execFile);
const DOCUMENT = "docs/openapi.json";
const SCHEMA = "docs/egress.schema.json";
const TYPES = "src/client/api-types.ts";
const TOOLS = ["--package=openapi-typescript@7.13.0", "--package=typescript@5.9.3"];

await writeFile(DOCUMENT, JSON.stringify(createDocument()));
await writeFile(SCHEMA, JSON.stringify(configSchema()));
await run("npx", ["oxfmt", DOCUMENT, SCHEMA]);
await run("npm", ["exec", "--yes", ...TOOLS, "--", "openapi-typescript", DOCUMENT, "--output", TYPES]);
await run("npx", ["oxfmt", TYPES]);
const types = (await readFile(TYPES, "utf8")).replace(/^\/\*\*[^]*?\*\/\n+/, "");
const header = `/* oxlint-disable max-lines -- made by "npm run generate", not for editing */\n// document: ${await hashOf(DOCUMENT)}\n// types: ${hash(types)}\n\n`;
await writeFile(TYPES, header + types);

async function hashOf(path: string): Promise<string> {
  return hash(await readFile(path, "utf8"));
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
