/** What marks the sidecar's own packets, in nft(8)'s words. */
import type { Marks } from "../ruleset-input.ts";

/** nft(8)'s words for a mark and a priority, which it writes as two halves. */
export function matchMarks(mark: number, priority: number): string {
  return `meta mark ${hex(mark)} meta priority ${handle(priority)}`;
}

/** The words that give a packet a mark and a priority. */
export function setMarks(mark: number, priority: number): string {
  return `meta mark set ${hex(mark)} meta priority set ${handle(priority)}`;
}

/** nft(8)'s words for packets of our own sockets. */
export function ours({ mark, priority, group }: Marks): string {
  const marks = matchMarks(mark, priority);
  return group === undefined ? marks : `${marks} meta skgid ${group}`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

function handle(priority: number): string {
  return `${(priority >>> 16).toString(16)}:${(priority & 0xffff).toString(16)}`;
}
