import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../../src/netns/command.ts";

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
  /** It never ends; with `after`, it does its work first. */
  hang(when: "before" | "after"): Promise<void>;
  /** It is the real one again. */
  accept(): Promise<void>;
}

export async function createBreakableNft(stateFolder: string): Promise<BreakableNft> {
  const folder = join(stateFolder, "bin");
  const file = (name: string): string => join(folder, name);
  await mkdir(folder, { recursive: true });
  await writeProgram(file("ip"), `exec ${await findProgram("ip")} "$@"`);
  const real = await findProgram("nft");
  const script = `refuse() { echo "Error: no room" >&2; exit 1; }
[ ! -e ${file("refuses")} ] || refuse
case "$(cat ${file("hangs")} 2>/dev/null)" in
before) exec sleep 600;;
after) ${real} "$@" && exec sleep 600;;
esac
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
    hang: (when) => writeFile(file("hangs"), when),
    accept,
  };
}

async function findProgram(name: string): Promise<string> {
  return (await runCommand(["sh", "-c", `command -v ${name}`])).stdout.trim();
}

async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\nPATH="${process.env["PATH"] ?? ""}"\n${script}\n`, { mode: 0o755 });
}
