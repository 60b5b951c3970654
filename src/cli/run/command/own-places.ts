/**
 * The command's own /run, /dev and /etc/resolv.conf, and what of /proc and /sys it may not write. They are
 * prepared as a folder by us, and mounted by two calls of mount(8): each program that the set-up starts costs
 * a millisecond and more.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { RESOLV_CONF } from "../../../config/resolv-conf.ts";
import { READABLE_BY_ALL, withUmask } from "../../../sys/umask.ts";
import { coveredPlaces, isOwnPlace } from "./covered-places.ts";
import { parseMountInfo } from "./mount-table.ts";
import { findRunLinks } from "./run-links.ts";
import { type ReadOnlyFile, readOnlyFiles } from "./read-only.ts";
import type { WantedPlace } from "./held-place.ts";
import { type Mount, wantedPlace } from "./wanted-place.ts";

const READ_ONLY = ["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"];
/** What the command's /run has in any case. */
const OF_RUN: ReadonlySet<string> = new Set(["egress", "lock", "resolv.conf"]);
const NODES = ["null", "zero", "full", "random", "urandom", "tty"];
const LINKS = [
  ["/proc/self/fd", "fd"],
  ["fd/0", "stdin"],
  ["fd/1", "stdout"],
  ["fd/2", "stderr"],
  ["pts/ptmx", "ptmx"],
] as const;

export interface OwnPlaces {
  /** A folder of ours, empty but for what others keep in it. */
  readonly folder: string;
  /** Whose the terminals are. */
  readonly uid: number;
  /** Where the folders of runs are: the command finds an empty one there, if that is not below /run. */
  readonly runs: string;
  /** The text of the command's /etc/resolv.conf. */
  readonly resolvConf: string;
  /** Files that the command may only read. */
  readonly readOnly: readonly string[];
  /**
   * A folder that the command sees as `/run/egress`, to read. Made here; what is put into it later is seen,
   * too.
   */
  readonly trust: string | undefined;
}

export interface PreparedPlaces {
  /** The part of a shell script that mounts them, to be run as process 1 of the new namespaces. */
  readonly script: string;
  /** What is there once it has. */
  readonly wanted: WantedPlace;
}

/** Prepares the places in the folder; /proc is the new namespaces' own already. Throws Node's errors. */
export function prepareOwnPlaces(places: OwnPlaces): PreparedPlaces {
  // A command that is not the caller uses them as well.
  return withUmask(READABLE_BY_ALL, () => prepare(places));
}

function prepare(places: OwnPlaces): PreparedPlaces {
  const { folder } = places;
  const made = join(folder, "made");
  for (const name of ["run", "dev"]) mkdirSync(join(folder, name));
  writeRun(join(made, "run"), places);
  writeDev(join(made, "dev"));
  const mounts = parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const covered = coveredPlaces(mounts, hiddenOf(places.runs));
  const readOnly = readOnlyFiles(places.readOnly, mounts, covered);
  const first = join(folder, "first-mounts");
  const then = join(folder, "then-mounts");
  const [firstMounts, thenMounts] = [mountedFirst(folder), mountedThen(places, { readOnly, covered })];
  writeFileSync(first, renderMounts(firstMounts));
  writeFileSync(then, renderMounts(thenMounts));
  const again = readOnly.filter(({ isMounted }) => isMounted);
  const script = `mount -a -T ${quote(first)}
cp -a ${quote(join(made, "run"))} ${quote(join(made, "dev"))} ${quote(folder)}
mount -a -T ${quote(then)}
${again.map(renderRemount).join("")}`;
  const readAgain = again.map(({ path, options }) => ({ source: path, target: path, options }));
  return { script, wanted: wantedPlace(folder, [...firstMounts, ...thenMounts, ...readAgain]) };
}

/** mount(8) passes over what it finds mounted already, so such a file is no line of its table. */
function renderRemount({ path, options }: ReadOnlyFile): string {
  return `mount -o remount,${options} -- ${quote(path)}\n`;
}

/** As the mount table names it. The place is there: the run has its folder in it. */
function hiddenOf(runs: string): string | undefined {
  const path = realpathSync(runs);
  return isOwnPlace(path) ? undefined : path;
}

function mountedFirst(folder: string): readonly Mount[] {
  const readOnly = READ_ONLY.map((name) => `/proc/${name}`).filter((path) => existsSync(path));
  return [
    ...readOnly.map((path) => ({ source: path, target: path, options: "bind,ro" })),
    // Their sources have names of their own: what is mounted already is passed over.
    { source: "egress-sys", target: "/sys", type: "sysfs", options: "ro,nosuid,nodev,noexec" },
    { source: "egress-run", target: join(folder, "run"), type: "tmpfs", options: "nosuid,nodev,mode=755" },
    { source: "egress-dev", target: join(folder, "dev"), type: "tmpfs", options: "nosuid,noexec,mode=755" },
  ];
}

interface Held {
  readonly readOnly: readonly ReadOnlyFile[];
  readonly covered: readonly string[];
}

function mountedThen({ folder, uid, trust }: OwnPlaces, { readOnly, covered }: Held): readonly Mount[] {
  const dev = join(folder, "dev");
  const target = resolvConfTarget();
  const isElsewhere = target !== undefined && !target.startsWith("/run/");
  const pts = `newinstance,nosuid,noexec,uid=${uid},mode=620,ptmxmode=666`;
  return [
    ...NODES.map((name) => ({ source: `/dev/${name}`, target: join(dev, name), options: "bind" })),
    { source: "egress-pts", target: join(dev, "pts"), type: "devpts", options: pts },
    ...(isElsewhere ? [{ source: join(folder, "run/resolv.conf"), target, options: "bind" }] : []),
    ...(trust === undefined
      ? []
      : [{ source: trust, target: join(folder, "run/egress"), options: "bind,ro" }]),
    ...replacedLast(folder).map((name) => ({
      source: join(folder, name),
      target: `/${name}`,
      options: "rbind",
    })),
    ...readOnly
      .filter(({ isMounted }) => !isMounted)
      .map(({ path, options }) => ({ source: path, target: path, options })),
    ...covered.flatMap(coverOf),
  ];
}

/** The one that the folder itself is in comes last: it is not found any more then. */
function replacedLast(folder: string): readonly string[] {
  return folder.startsWith("/dev/") ? ["run", "dev"] : ["dev", "run"];
}

/** What is there is hidden, but a plain file: that is nothing but its contents. */
function coverOf(point: string): readonly Mount[] {
  const found = statIfReached(point);
  if (found === undefined || found.isFile()) return [];
  return found.isDirectory()
    ? [{ source: "egress-hidden", target: point, type: "tmpfs", options: "ro,nosuid,nodev,noexec" }]
    : [{ source: "/dev/null", target: point, options: "bind" }];
}

/** Where we may not look, the command may not either. */
function statIfReached(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EACCES") return undefined;
    throw error;
  }
}

function writeRun(folder: string, { resolvConf, trust }: OwnPlaces): void {
  mkdirSync(folder, { recursive: true });
  if (trust !== undefined) {
    mkdirSync(join(folder, "egress"));
    mkdirSync(trust);
  }
  mkdirShared(join(folder, "lock"));
  writeFileSync(join(folder, "resolv.conf"), resolvConf);
  for (const { name, target } of findRunLinks())
    if (!OF_RUN.has(name)) symlinkSync(target, join(folder, name));
  const target = resolvConfTarget();
  if (target?.startsWith("/run/") !== true) return;
  const own = join(folder, target.slice("/run/".length));
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(own, resolvConf);
}

function writeDev(folder: string): void {
  mkdirSync(join(folder, "pts"), { recursive: true });
  mkdirShared(join(folder, "shm"));
  for (const name of NODES) writeFileSync(join(folder, name), "");
  for (const [target, name] of LINKS) symlinkSync(target, join(folder, name));
}

/** Where the file really is; undefined if there is none. */
function resolvConfTarget(): string | undefined {
  try {
    return realpathSync(RESOLV_CONF);
  } catch {
    return undefined;
  }
}

function mkdirShared(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o1777);
}

/** As in fstab(5). */
function renderMounts(mounts: readonly Mount[]): string {
  return mounts
    .map(
      ({ source, target, type = "none", options }) =>
        `${escape(source)} ${escape(target)} ${type} ${options}\n`,
    )
    .join("");
}

function escape(path: string): string {
  return path.replaceAll(/[\\ \t\n]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
