import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Argv, runCommand } from "../../src/netns/command.ts";

/** A stand-in before nft(8) that goes wrong when told to; until then it is the real one. */
export interface BreakableNft {
  /** A `PATH` that finds it, ip(8) and nothing else. */
  readonly path: string;
  /** It refuses every load that holds this text. */
  refuseWith(text: string): Promise<void>;
  /** It refuses everything. */
  refuse(): Promise<void>;
  /** It is no longer there. */
  remove(): Promise<void>;
  /** It does its work, and never ends. */
  hang(): Promise<void>;
  /** It is the real one again. */
  accept(): Promise<void>;
}

export async function createBreakableNft(stateFolder: string): Promise<BreakableNft> {
  const folder = join(stateFolder, "bin");
  const file = (name: string): string => join(folder, name);
  await mkdir(folder, { recursive: true });
  // Copies, for a sidecar that has no system folders; and what is started keeps the short path.
  const [ip, real] = [file("real-ip"), file("real-nft")];
  await copyFile(await findProgram("ip"), ip);
  await copyFile(await findProgram("nft"), real);
  await writeProgram(file("ip"), `exec ${ip} "$@"`);
  const script = `PATH="${process.env["PATH"] ?? ""}"
refuse() { echo "Error: no room" >&2; exit 1; }
[ ! -e ${file("refuses")} ] || refuse
if [ -e ${file("hangs")} ]; then ${real} "$@" && exec sleep 600; fi
case "$*" in *-f*)
cat >${file("stdin")}
if grep -qsF -f ${file("texts")} ${file("stdin")}; then refuse; fi
exec ${real} "$@" <${file("stdin")}
esac
exec ${real} "$@"`;
  const accept = async (): Promise<void> => {
    for (const name of ["texts", "refuses", "hangs"]) await rm(file(name), { force: true });
    await writeProgram(file("nft"), script);
  };
  await accept();
  return {
    path: folder,
    refuseWith: (text) => writeFile(file("texts"), text),
    refuse: () => writeFile(file("refuses"), ""),
    remove: () => rm(file("nft")),
    hang: () => writeFile(file("hangs"), ""),
    accept,
  };
}

/**
 * Runs `argv` where the system's own folders of programs are empty, so that only a `PATH` finds nft(8). For a
 * mount namespace of its own.
 */
export function withoutSystemFolders(argv: Argv): Argv {
  const script = `for folder in /usr/sbin /sbin; do
  [ -d "$folder" ] && [ ! -L "$folder" ] || continue
  /usr/bin/mount --make-private "$(/usr/bin/stat --format=%m "$folder")" && /usr/bin/mount -t tmpfs tmpfs "$folder" || exit 71
done
exec "$@"`;
  return ["/bin/sh", "-c", script, "sh", ...argv];
}

async function findProgram(name: string): Promise<string> {
  return (await runCommand(["sh", "-c", `command -v ${name}`])).stdout.trim();
}

async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
