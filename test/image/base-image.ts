/**
 * A stand-in for the image that the `Dockerfile` starts from, under the same tag, for machines that reach
 * package registries but no image registry: Debian by debootstrap, slimmed as Debian's slim images are, with
 * Node of its npm package and this machine's npm.
 */
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireCommand } from "../../src/netns/command.ts";
import { BUILD, type Engine } from "./engine.ts";
import { findMirror, findNpm } from "./machine-clients.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Debian's part takes most of the time and hardly changes. Raise the number when the steps below do. */
const CACHE = "/var/cache/egress-image-test";
const CACHE_EDITION = 1;
/** What debootstrap's smallest variant lacks and Node's binary needs. */
const FURTHER_PACKAGES = "libatomic1";

/** What Debian's slim images leave out, now and in what is installed later. */
const SLIM = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

const CONTAINERFILE = `FROM scratch
ADD debian.tar.gz /
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY npm-link /usr/local/bin/
RUN node --version && npm --version
CMD ["node"]
`;

/** Puts the base image into the engine, under the tag that the Dockerfile names; gives back its name. */
export async function makeBaseImage(engine: Engine): Promise<string> {
  const tag = await readNodeTag();
  const release = tag.split("-")[1] ?? "";
  const context = join(engine.folder, "base");
  await mkdir(join(context, "npm-link"), { recursive: true });
  await copyFile(await debianArchive(release, engine.folder), join(context, "debian.tar.gz"));
  await copyFile(join(ROOT, "node_modules/node/bin/node"), join(context, "node"));
  await cp(await findNpm(), join(context, "npm"), { recursive: true, dereference: true });
  for (const command of ["npm", "npx"])
    await symlink(`../lib/node_modules/npm/bin/${command}-cli.js`, join(context, "npm-link", command));
  await writeFile(join(context, "Containerfile"), CONTAINERFILE);
  const name = `docker.io/library/node:${tag}`;
  await engine.require([...BUILD, `--tag=${name}`, context], { timeoutMs: 120_000 });
  await rm(context, { recursive: true });
  return name;
}

async function readNodeTag(): Promise<string> {
  const tag = /^ARG NODE_TAG=(?<tag>\S+)$/m.exec(await readFile(join(ROOT, "Dockerfile"), "utf8"))?.groups?.[
    "tag"
  ];
  if (tag === undefined) throw new Error("the Dockerfile names no NODE_TAG");
  return tag;
}

/** The path of Debian's files as a tar archive, made unless it is there from an earlier run. */
async function debianArchive(release: string, folder: string): Promise<string> {
  const archive = join(CACHE, `${release}-${process.arch}-${String(CACHE_EDITION)}.tar.gz`);
  if (existsSync(archive)) return archive;
  const root = join(folder, "debian");
  const mirror = await findMirror(release);
  const options = ["--variant=minbase", `--include=${FURTHER_PACKAGES}`];
  await requireCommand(
    ["debootstrap", ...options, release, root, ...(mirror === undefined ? [] : [mirror])],
    { timeoutMs: 300_000 },
  );
  await writeFile(
    join(root, "etc/dpkg/dpkg.cfg.d/slim"),
    SLIM.map((path) => `path-exclude ${path}\n`).join(""),
  );
  const left = [...SLIM, "/var/lib/apt/lists/*", "/var/cache/apt/*.bin", "/var/cache/apt/archives/*.deb"];
  await requireCommand([
    "sh",
    "-c",
    `cd "$1" && rm -rf ${left.map((path) => `.${path}`).join(" ")}`,
    "sh",
    root,
  ]);
  await mkdir(CACHE, { recursive: true });
  const unfinished = `${archive}.${String(process.pid)}`;
  await requireCommand(["tar", "-C", root, "-I", "gzip -1", "-cf", unfinished, "."], { timeoutMs: 120_000 });
  await rename(unfinished, archive);
  await rm(root, { recursive: true });
  return archive;
}
