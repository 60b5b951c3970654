/**
 * The npm package: what `npm pack` puts into it, and what it does where it is installed with nothing else.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { requireCommand, runCommand } from "../../src/netns/command.ts";
import manifest from "../../package.json" with { type: "json" };
import { WAIT_MS } from "../support/limits.ts";
import { createMachine } from "../support/machine.ts";
import { npmEnvironment, openPacked, type PackedProgram } from "../support/packed.ts";
import { useLab } from "../support/use-lab.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const lab = useLab();
let packed: PackedProgram;
let file: string;
let prefix: string;
let installed: string;
let egress: string;
beforeAll(async () => {
  packed = await openPacked();
  file = await packed.pack("one");
  prefix = await packed.install(file);
  installed = join(prefix, "lib/node_modules/egress-sidecar");
  egress = join(prefix, "bin/egress");
});
afterAll(async () => {
  await packed?.[Symbol.asyncDispose]();
});

const env = (): Readonly<Record<string, string>> => npmEnvironment(packed.folder);

test("two packs of the same sources, in two folders, are the same octets", async () => {
  expect(await digest(await packed.pack("another-folder"))).toBe(await digest(file));
});

test("it needs no other package at run time", async () => {
  expect(await readdir(join(prefix, "lib/node_modules"))).toEqual(["egress-sidecar"]);
  expect(await readdir(installed)).not.toContain("node_modules");
  const kinds = new Set(["dependencies", "optionalDependencies", "peerDependencies", "bundleDependencies"]);
  expect(Object.keys(manifest).filter((key) => kinds.has(key))).toEqual([]);
});

test("it holds what runs, its rules and its papers, and no code that one Node release has compiled", async () => {
  const files = await readdir(installed, { recursive: true });
  expect(files).toEqual(
    expect.arrayContaining([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist/THIRD-PARTY-LICENSES.txt",
      "dist/client.mjs",
      "dist/egress.mjs",
      "dist/sbom.cdx.json",
      "dist/types/client/client.d.ts",
      "dist/rules/deny.always",
      "dist/rules/presets/code-hosts.yaml",
    ]),
  );
  expect(files.filter((name) => /\.code$|-contents\.json$|^src|^test|^packaging/.test(name))).toEqual([]);
  expect(await readdir(join(installed, "dist/rules"), { recursive: true })).toEqual(
    await readdir(join(ROOT, "rules"), { recursive: true }),
  );
});

test.each([
  ["x64", 62],
  ["arm64", 183],
] as const)("the addon for %s is there, of that machine, for glibc", async (arch, machine) => {
  const addon = await readFile(join(installed, `dist/koffi-linux-${arch}.node`));
  // ELF: e_machine.
  expect(addon.subarray(0, 4).toString("latin1")).toBe("\x7fELF");
  expect(addon.readUInt16LE(18)).toBe(machine);
  expect(addon.includes("libc.so.6\0")).toBe(true);
  expect(manifest).toMatchObject({ os: ["linux"], cpu: ["x64", "arm64"], libc: ["glibc"] });
});

test("`egress --help` and `egress --version` work from the folder of commands", async () => {
  expect(await readlink(egress)).toBe("../lib/node_modules/egress-sidecar/dist/egress.mjs");
  expect(await runCommand([egress, "--help"], { env: env() })).toMatchObject({
    exitCode: 0,
    stderr: "",
    stdout: expect.stringContaining("egress run"),
  });
  const version = await runCommand([egress, "--version"], { env: env() });
  expect(version).toMatchObject({ exitCode: 0, stdout: `egress ${manifest.version}\n`, stderr: "" });
});

test("`egress run` holds a command to its policy", async () => {
  const script = "curl -sS http://one.example.org/; curl -s http://two.example.org/; echo $?";
  const program = [process.execPath, egress] as const;
  const result = await createMachine(lab).run(["--allow", "one.example.org", "--", "sh", "-c", script], {
    program,
  });
  expect(result).toMatchObject({ exitCode: 0, stdout: "hello from 198.51.100.1\n6\n" });
  expect(result.stderr).toContain("denied two.example.org");
});

test("`egress serve` finds the list of DoH resolvers that the package ships", async () => {
  await using sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    program: [process.execPath, egress, "serve"],
    env: { OPENSANDBOX_EGRESS_BLOCK_DOH_443: "true" },
  });
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://two.example.org/")).toMatchObject({ exitCode: 6 });
  expect(await sidecar.kill()).toMatchObject({ exitCode: 0 });
});

test("publint finds nothing to say", async () => {
  const octets = await readFile(file);
  const tarball = octets.buffer.slice(octets.byteOffset, octets.byteOffset + octets.length);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  expect(pkg["name"]).toBe("egress-sidecar");
  // It wants a first line that names node; ours is a shell's, which finds the right node, also under sudo.
  const start = (await readFile(join(installed, "dist/egress.mjs"), "latin1")).split("\n", 1);
  expect(start).toEqual(["#!/bin/sh"]);
  const others = messages.filter(({ code }) => code !== "BIN_FILE_NOT_EXECUTABLE");
  expect(others.map((message) => formatMessage(message, pkg))).toEqual([]);
});

const componentShape = z.object({
  name: z.string(),
  version: z.string(),
  purl: z.string(),
  hashes: z.array(z.object({ alg: z.string(), content: z.string() })),
});
const billShape = z.object({
  bomFormat: z.literal("CycloneDX"),
  components: z.array(componentShape),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
});

test("the bill of materials says of each package what npm's own says", async () => {
  const bill = billShape.parse(JSON.parse(await readFile(join(installed, "dist/sbom.cdx.json"), "utf8")));
  const argv = ["npm", "sbom", "--package-lock-only", "--sbom-format", "cyclonedx"] as const;
  const npms = JSON.parse(
    await requireCommand(argv, { cwd: ROOT, env: env(), timeoutMs: WAIT_MS }),
  ) as unknown;
  const whole = z.object({ components: z.array(z.object({ purl: z.string() }).loose()) }).parse(npms);
  const known = new Map(whole.components.map((component) => [component.purl, component]));
  for (const component of bill.components)
    expect(known.get(component.purl)).toMatchObject({ version: component.version, hashes: component.hashes });
  expect(bill.dependencies).toEqual([
    { ref: `pkg:npm/egress-sidecar@${manifest.version}`, dependsOn: bill.components.map(({ purl }) => purl) },
  ]);
});

test("each package of the bill has its licence's text in the package, and the bundle's parts are in the bill", async () => {
  const bill = billShape.parse(JSON.parse(await readFile(join(installed, "dist/sbom.cdx.json"), "utf8")));
  const names = bill.components.map(({ name }) => name);
  // What the sources import, what one of these imports, the addons of both architectures.
  const wanted = ["hono", "koffi", "openapi-fetch", "pino", "yaml", "zod"];
  const addons = ["@koromix/koffi-linux-x64", "@koromix/koffi-linux-arm64"];
  expect(names).toEqual(expect.arrayContaining([...wanted, ...addons]));
  // Left out of the bundle by the build.
  expect(names).not.toContain("sonic-boom");
  const texts = await readFile(join(installed, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");
  const entries = texts.split(/^-{80}$/m).slice(1);
  expect(entries.map((entry) => /^\S+/m.exec(entry)?.[0])).toEqual(names);
  for (const entry of entries) expect(entry).toMatch(/permission|license/i);
});

async function digest(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}
