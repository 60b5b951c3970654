/**
 * Who runs where. By default the machine's scheduler decides, as it would in a sandbox; the same for every
 * server. Pinned, the server under test has one processor for itself, and load and upstream share another:
 * steadier on a quiet machine, but where others run beside the bench it halves every figure, for what is
 * pinned cannot get out of their way (measured).
 */
import type { Argv } from "../../src/netns/command.ts";
import { requireCommand } from "../../src/netns/command.ts";

type Role = "server" | "load";

export interface Processors {
  /** The command line that runs `argv` on the role's processor. */
  pinned(role: Role, argv: Argv): Argv;
  /** Moves a running process, all threads, to the role's processor. */
  move(role: Role, pid: number): Promise<void>;
  /** For people. */
  readonly description: string;
}

export const UNPINNED: Processors = {
  pinned: (_role, argv) => argv,
  move: async () => undefined,
  description: "not pinned: server under test, load and upstream share the processors",
};

/** Needs two processors. */
export const PINNED: Processors = {
  pinned: (role, argv) => ["taskset", "--cpu-list", processorOf(role), ...argv],
  async move(role, pid) {
    await requireCommand(["taskset", "--all-tasks", "--cpu-list", "--pid", processorOf(role), String(pid)]);
  },
  description: "pinned: server under test on one processor, load and upstream together on another",
};

function processorOf(role: Role): string {
  return role === "server" ? "0" : "1";
}
