/**
 * The npm package, packed from a copy of this checkout: `npm pack` builds it, and a build under way elsewhere
 * is not disturbed.
 */
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireCommand } from "../../src/netns/command.ts";
import { WAIT_MS } from "./limits.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKED = [
  "src",
  "rules",
  "packaging",
  "build.ts",
  "build-client.ts",
  "tsconfig.json",
  "tsconfig.client.json",
  "package.json",
  "package-lock.json",
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
] as const;

/**
 * Finds npm where this process does, and this process's Node before any other; npm keeps what it remembers in
 * the folder.
 */
export function npmEnvironment(folder: string): Readonly<Record<string, string>> {
  return { PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`, HOME: folder };
}

export interface PackedProgram extends AsyncDisposable {
  readonly folder: string;
  /** Packs what this checkout holds, in a folder of that name; gives the package's file. */
  pack(name: string): Promise<string>;
  /**
   * Installs it where nothing else is, without the network; gives the folder that npm was told to install
   * under.
   */
  install(file: string): Promise<string>;
}

export async function openPacked(): Promise<PackedProgram> {
  const folder = await mkdtemp(join(tmpdir(), "egress-package-"));
  const env = npmEnvironment(folder);
  return {
    folder,
    async pack(name) {
      const checkout = join(folder, name);
      await mkdir(checkout);
      for (const each of PACKED) await cp(join(ROOT, each), join(checkout, each), { recursive: true });
      await requireCommand(["ln", "-s", join(ROOT, "node_modules"), join(checkout, "node_modules")]);
      const listed = await requireCommand(["npm", "pack", "--json"], {
        cwd: checkout,
        env,
        timeoutMs: WAIT_MS,
      });
      return join(checkout, readFileName(listed));
    },
    async install(file) {
      const prefix = join(folder, "prefix");
      const options = ["--global", "--prefix", prefix, "--offline", "--no-audit", "--no-fund"] as const;
      await requireCommand(["npm", "install", ...options, file], { env, timeoutMs: WAIT_MS });
      return prefix;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Of the JSON that `npm pack` ends with, after what its scripts print. */
function readFileName(listed: string): string {
  const name = /"filename": "([^"]+)"/.exec(listed)?.[1];
  if (name === undefined) throw new Error(`npm pack names no file: ${listed}`);
  return name;
}
