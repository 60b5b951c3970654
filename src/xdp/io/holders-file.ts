/** Which processes hold queues for us, written down for the process that comes after this one. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "../../sys/make-folder.ts";

export interface HolderRecord {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: tells it from a later process of that number. */
  readonly startTime: string;
  readonly interfaceIndex: number;
  readonly queues: readonly number[];
  /** Inode numbers of its sockets, in the order of `queues`. */
  readonly inodes: readonly number[];
}

/** Its place: the folder of the unix socket, or that of the default socket. */
export function holdersFileBeside(socketPath = "/run/opensandbox/egress.sock"): string {
  return join(dirname(socketPath), "queue-holders.json");
}

/**
 * What was written last; none if there is no file, or one that is not ours to read. Waits for nobody, as
 * one does at a FIFO.
 */
export function readHolders(path: string): readonly HolderRecord[] {
  try {
    const found: unknown = JSON.parse(readFileAlone(path));
    return Array.isArray(found) ? found.filter(isHolderRecord) : [];
  } catch {
    return []; // then what they hold counts as a stranger's, and is told
  }
}

/** Links are not followed. Throws Node's errors. */
function readFileAlone(path: string): string {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    return fstatSync(fd).isFile() ? readFileSync(fd, "utf8") : "";
  } finally {
    closeSync(fd);
  }
}

/** Replaces the file whole, mode 0600, making its folder if there is none. Throws Node's errors. */
export function writeHolders(path: string, holders: readonly HolderRecord[]): void {
  if (holders.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  makeFolder(dirname(path));
  // Made anew: what stands there may be a link to somewhere else.
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, JSON.stringify(holders), { mode: 0o600, flag: "wx" });
  renameSync(`${path}.new`, path);
}

function isHolderRecord(item: unknown): item is HolderRecord {
  if (!isRecord(item)) return false;
  const { pid, startTime, interfaceIndex, queues, inodes } = item;
  return (
    [pid, interfaceIndex].every((number) => Number.isSafeInteger(number) && Number(number) > 0) &&
    typeof startTime === "string" &&
    isNumbers(queues) &&
    isNumbers(inodes) &&
    inodes.length === queues.length
  );
}

function isRecord(item: unknown): item is Readonly<Record<string, unknown>> {
  return typeof item === "object" && item !== null;
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
}
