/**
 * Whether the place of a command is what its set-up was told to make: looked at by us, before the command
 * begins. Nothing of the command's runs in it yet.
 */
import { readFileSync, readlinkSync, type Stats, statSync } from "node:fs";
import { findLacking, type WantedMount } from "./held-mounts.ts";
import { parseMountInfo } from "./mount-table.ts";

export interface WantedPlace {
  readonly mounts: readonly WantedMount[];
  /** What the command has to see at a path: what we see at another. */
  readonly same: readonly { readonly target: string; readonly source: string }[];
}

/** Of process 1; the network namespace is entered by ourselves. */
const OWN_NAMESPACES = ["mnt", "pid", "ipc"];

/** Its own, as `unshare --mount-proc` mounts it: told from the machine's by its device. */
const PROC: WantedMount = {
  target: "/proc",
  own: { type: "proc", source: "proc" },
  options: ["nosuid", "nodev", "noexec"],
};

/** What is missing of it, for people; `init` is process 1 of the place. Throws Node's errors. */
export function findUnheld(init: number, { mounts, same }: WantedPlace): readonly string[] {
  const place = `/proc/${init}`;
  const shared = OWN_NAMESPACES.filter(
    (name) => readlinkSync(`${place}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`),
  ).map((name) => `the ${name} namespace is the machine's`);
  const table = parseMountInfo(readFileSync(`${place}/mountinfo`, "utf8"));
  const others = same
    .filter(({ target, source }) => !isSame(statOf(`${place}/root${target}`), statOf(source)))
    .map(({ target, source }) => `${target} is not ${source}`);
  const machines = isSame(statOf(`${place}/root/proc`), statOf("/proc")) ? ["/proc is the machine's"] : [];
  return [...shared, ...machines, ...findLacking([PROC, ...mounts], table), ...others];
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
