/**
 * The package as others install it: `egress-sidecar/client`, JavaScript and types, with nothing else beside
 * it.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startApi } from "../api/api-server.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const PROGRAM = `
import { ApiError, createEgressClient, type PolicyChange } from "egress-sidecar/client";

const client = createEgressClient({ endpoint: { url: process.argv[2] ?? "" } });
const change: PolicyChange = await client.patchRules([{ action: "allow", target: "example.org" }]);
const refusal: unknown = await client.deleteRules(["*"]).catch((error: unknown) => error);
console.log(change.mode, refusal instanceof ApiError && refusal.code);
// @ts-expect-error -- the types are those of the API
await client.patchRules([{ action: "maybe", target: "example.org" }], { dryRun: true }).catch(() => undefined);
`;

test("is imported and type-checked by a program elsewhere", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-client-"));
  const installed = join(folder, "node_modules/egress-sidecar");
  await mkdir(installed, { recursive: true });
  await copyFile(join(ROOT, "package.json"), join(installed, "package.json"));
  await run(process.execPath, ["build-client.ts", join(installed, "dist")], { cwd: ROOT });
  const program = join(folder, "program.mts");
  await writeFile(program, PROGRAM);
  const settings = [
    "--strict",
    "--noEmit",
    "--skipLibCheck",
    "false",
    "--module",
    "nodenext",
    "--lib",
    "esnext,dom",
  ];
  const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
  await run(join(ROOT, "node_modules/.bin/tsc"), [...settings, ...types, program], { cwd: folder });
  await using api = await startApi();
  const { stdout } = await run(process.execPath, [program, `http://127.0.0.1:${api.port}`], { cwd: folder });
  expect(stdout).toBe("enforcing invalid-targets\n");
  await rm(folder, { recursive: true });
});
