import { release } from "node:os";

/** Whether the running kernel's release, such as `6.18.44-cloud`, is of this version or a later one. */
export function isKernelAtLeast(major: number, minor: number, text: string = release()): boolean {
  const [, first = "0", second = "0"] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}
