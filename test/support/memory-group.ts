/** A memory cgroup for one program, as a container with a memory limit is. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./until.ts";
import type { Argv } from "../../src/netns/command.ts";

export interface MemoryGroup extends AsyncDisposable {
  /** The command line that starts the program in it. */
  wrap(argv: Argv): Argv;
  /** How often the kernel has killed for want of memory. */
  kills(): number;
}

/** Undefined where this machine lets us make none. */
export function createMemoryGroup(limitOctets: number): MemoryGroup | undefined {
  const own = readFileSync("/proc/self/cgroup", "utf8");
  const v1 = /^\d+:memory:(.*)$/m.exec(own)?.[1];
  const v2 = /^0::(.*)$/m.exec(own)?.[1];
  if (v1 !== undefined && existsSync(`/sys/fs/cgroup/memory${v1}`)) {
    return openGroup(`/sys/fs/cgroup/memory${v1}`, V1_FILES, limitOctets);
  }
  // Version 2 takes no group below one that has processes: beside our own.
  const parent = v2 === undefined ? "" : join("/sys/fs/cgroup", v2, "..");
  const controllers = join(parent, "cgroup.subtree_control");
  if (parent === "" || !existsSync(controllers) || !/\bmemory\b/.test(readFileSync(controllers, "utf8"))) {
    return undefined;
  }
  return openGroup(parent, V2_FILES, limitOctets);
}

const V1_FILES = {
  limit: "memory.limit_in_bytes",
  kills: "memory.oom_control",
  mount: "mkdir /sys/fs/cgroup/memory && mount -t cgroup -o memory cgroup /sys/fs/cgroup/memory",
};
const V2_FILES = {
  limit: "memory.max",
  kills: "memory.events",
  mount: "mount -t cgroup2 cgroup /sys/fs/cgroup",
};

function openGroup(parent: string, files: typeof V1_FILES, limitOctets: number): MemoryGroup {
  const folder = join(parent, `egress-test-${process.pid}-${Date.now()}`);
  mkdirSync(folder);
  writeFileSync(join(folder, files.limit), String(limitOctets));
  return {
    // From our own mounts: ip(8) puts a /sys of its own before a program that it runs in a network namespace.
    // There the program finds its group as in a container.
    wrap: (argv) => [
      "sh",
      "-c",
      `nsenter -t ${process.pid} -m sh -c "echo $$ > $0/cgroup.procs" &&
      mount -t tmpfs cgroups /sys/fs/cgroup && ${files.mount} && exec "$@"`,
      folder,
      ...argv,
    ],
    kills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(folder, files.kills), "utf8"))?.[1]),
    // What the program leaves running, such as holders of queues, ends with its lab, and the group with it.
    async [Symbol.asyncDispose]() {
      for (const pid of readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
        process.kill(Number(pid), "SIGKILL");
      }
      await until(
        "the memory group is empty",
        () => readFileSync(join(folder, "cgroup.procs"), "utf8") === "",
      );
      rmdirSync(folder);
    },
  };
}
