/**
 * How this machine's npm and apt reach their registries, for clients inside a build: settings and
 * certificates are mounted while it runs, so that neither the repository nor the image holds them.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { requireCommand } from "../../src/netns/command.ts";

const CERTIFICATES = "/etc/ssl/certs";

/** Options of `podman build`. `folder` gets the files to mount. */
export async function mountClientSettings(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const authorities = await findAuthorities();
  const npmrc = join(folder, "npmrc");
  const aptConf = join(folder, "apt.conf");
  await writeFile(npmrc, await readNpmSettings(authorities), { mode: 0o600 });
  await writeFile(aptConf, await requireCommand(["apt-config", "dump", "Acquire"]));
  const mounts = [
    `${npmrc}:/root/.npmrc:ro`,
    `${aptConf}:/etc/apt/apt.conf.d/99machine:ro`,
    ...[CERTIFICATES, ...authorities].filter(existsSync).map((path) => `${path}:${path}:ro`),
  ];
  return mounts.flatMap((mount) => ["--volume", mount]);
}

/**
 * Where this machine's apt gets the packages of a Debian release; `undefined` when it has no source for it.
 */
export async function findMirror(release: string): Promise<string | undefined> {
  const sites = await requireCommand(["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"]);
  const site = sites.split("\n").find((line) => line.startsWith(`${release} `));
  return site?.split(" ")[1];
}

/** The folder of the npm that runs here. */
export async function findNpm(): Promise<string> {
  const cli = process.env["npm_execpath"]; // set by `npm run`
  if (cli?.endsWith("/npm-cli.js") === true) return dirname(dirname(cli));
  return join((await requireCommand(["npm", "root", "--global"])).trim(), "npm");
}

/** npm's settings as one file; what is set in the environment alone comes last. */
async function readNpmSettings(authorities: readonly string[]): Promise<string> {
  const files = [await readNpmSetting("globalconfig"), await readNpmSetting("userconfig")];
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  const cafile = authorities.map((path) => `cafile=${path}\n`).join("");
  return `${texts.join("\n")}\nregistry=${await readNpmSetting("registry")}\n${cafile}`;
}

/** The file of certificate authorities that npm trusts instead of Node's own, if there is one. */
async function findAuthorities(): Promise<readonly string[]> {
  const paths = [await readNpmSetting("cafile"), process.env["NODE_EXTRA_CA_CERTS"] ?? ""];
  return paths.filter((path) => existsSync(path)).slice(0, 1);
}

async function readNpmSetting(name: string): Promise<string> {
  return (await requireCommand(["npm", "config", "get", name])).trim();
}
