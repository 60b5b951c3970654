/**
 * Who runs where. With two processors or more the server under test has one for itself, and load and upstream share the other:
 * so every server is given the same, and none gains by what the others leave over.
 */
import { availableParallelism } from "node:os";
import type { Argv } from "../../src/netns/command.ts";
import { requireCommand } from "../../src/netns/command.ts";

export type Role = "server" | "load";

const CAN_PIN = availableParallelism() > 1;

const processorOf = (role: Role): string => (role === "server" ? "0" : "1");

/** The command line that runs `argv` on the role's processor. */
export function pinned(role: Role, argv: Argv): Argv {
  return CAN_PIN ? ["taskset", "--cpu-list", processorOf(role), ...argv] : argv;
}

/** Moves a running process, all threads, to the role's processor. */
export async function pin(role: Role, pid: number): Promise<void> {
  if (CAN_PIN)
    await requireCommand(["taskset", "--all-tasks", "--cpu-list", "--pid", processorOf(role), String(pid)]);
}

/** For people: how it was done. */
export function describePinning(): string {
  return CAN_PIN
    ? "server under test on one processor, load and upstream together on another"
    : "one processor for all";
}
