import { readFileSync } from "node:fs";
import { NAMES_BEGUN_QUEUE, NAMES_QUEUE } from "../kernel-names.ts";

/**
 * Packets that the kernel has dropped because one of the reader's queues, or the reader's socket, had no room
 * for them, since the queues were taken. A line for each queue:
 *
 *     queue  port  waiting  copy mode  copied octets  dropped in the queue  dropped at the socket  last id  1        nfnetlink_queue.c
 *
 * Of the current network namespace. 0 where the kernel has no such file.
 */
export function readQueueDrops(path = "/proc/thread-self/net/netfilter/nfnetlink_queue"): number {
  try {
    return sumDrops(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}

export function sumDrops(text: string): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    const [queue, , , , , inQueue = 0, atSocket = 0] = line.trim().split(/\s+/).map(Number);
    if (queue === NAMES_QUEUE || queue === NAMES_BEGUN_QUEUE) sum += inQueue + atSocket;
  }
  return sum;
}
