/** Mounts that let the command read a file and not write it. */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";

/** What is the command's own there, or hidden from it. */
const OWN = /^\/(?:dev|proc|run|sys)\//;
/** Options of the mount below: in a user namespace none of them can be taken off. */
const KEPT = new Set(["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"]);

export interface ReadOnlyFile {
  readonly path: string;
  /** As mount(8) takes them. */
  readonly options: string;
}

/**
 * Each of the files that is there, by its own path; `mountInfo` is the mount table, as proc_pid_mountinfo(5)
 * describes it.
 */
export function readOnlyFiles(paths: readonly string[], mountInfo: string): readonly ReadOnlyFile[] {
  const files = new Set(paths.flatMap((path) => realPathOf(resolve(path)) ?? []));
  return [...files]
    .filter((path) => !OWN.test(path))
    .map((path) => ({ path, options: ["bind", "ro", ...optionsAt(path, mountInfo)].join(",") }));
}

/** Of the innermost mount around the path; the last of two at one place is the one that is seen. */
export function optionsAt(path: string, mountInfo: string): readonly string[] {
  let innermost: readonly [point: string, options: string] = ["", ""];
  for (const line of mountInfo.split("\n")) {
    const [, , , , point = "", options = ""] = line.split(" ");
    const isAround = point === "/" || path === point || path.startsWith(`${point}/`);
    if (point !== "" && isAround && point.length >= innermost[0].length) innermost = [point, options];
  }
  return innermost[1].split(",").filter((option) => KEPT.has(option));
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // it is gone, or was a pipe of the shell's
  }
}
