/** The bundled program, built aside, so that a build under way elsewhere is not disturbed. */
import { chmod, cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireCommand } from "../../src/netns/command.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface BuiltProgram extends AsyncDisposable {
  /** The program's file, for node. */
  readonly main: string;
  /** Of the test's, with the program in `installed`. */
  readonly folder: string;
}

export async function buildProgram(): Promise<BuiltProgram> {
  const folder = await mkdtemp(join(tmpdir(), "egress-bundle-"));
  // For programs that somebody else than its owner starts.
  await chmod(folder, 0o755);
  // The build writes to `dist` of the folder it runs in.
  for (const name of await readdir(ROOT)) {
    if (["src", "rules", "packaging", "package.json", "build.ts", "tsconfig.json"].includes(name)) {
      await cp(join(ROOT, name), join(folder, "checkout", name), { recursive: true });
    }
  }
  await requireCommand(["ln", "-s", join(ROOT, "node_modules"), join(folder, "checkout", "node_modules")]);
  await requireCommand([process.execPath, "build.ts"], { cwd: join(folder, "checkout") });
  await cp(join(folder, "checkout", "dist"), join(folder, "installed"), { recursive: true });
  await rm(join(folder, "checkout"), { recursive: true });
  return {
    main: join(folder, "installed", "egress.mjs"),
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
