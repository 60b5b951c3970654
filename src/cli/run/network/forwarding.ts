/**
 * Forwarding of IPv4 by single interfaces: a packet is forwarded if the interface that it comes in by
 * forwards. The machine's one switch, `ip_forward`, is left alone: writing it resets settings of every
 * interface, and its value tells nothing of who else needs it.
 */
import { readFileSync, watch, writeFileSync } from "node:fs";
import type { Tables } from "../../../netfilter/io/tables.ts";
import type { Link } from "../../../netlink/rtnetlink.ts";
import { forgetInterface, rememberedInterfaces, rememberInterface } from "./forwarding-memory.ts";
import { claimInterface, type LiveRuns } from "./signs.ts";

export interface SwitchedOn {
  /** Those that did not forward before; another run may have been the first to need them. */
  readonly links: readonly Link[];
  /** Why what was changed is remembered in nftables alone. */
  readonly unwritten: string | undefined;
  /** Lets go of them. `restoreForwarding` then switches off what nobody needs. */
  release(): void;
}

/**
 * Lets the links forward. Call it under the machine's lock. Throws SystemCallError, NetlinkError, Node's
 * errors.
 */
export function switchForwardingOn(tables: Tables, id: string, links: readonly Link[]): SwitchedOn {
  const remembered = rememberedInterfaces(tables);
  const undo: Disposable[] = [];
  const switched = links.filter(({ index, name }) => !forwards(name) || remembered.has(index));
  let unwritten: string | undefined;
  try {
    for (const { index, name } of switched) {
      const claim = claimInterface(id, index);
      if (claim !== undefined) undo.push(claim);
      unwritten ??= rememberInterface(tables, index);
      // Not if it forwards already: other runs would take that for somebody else's wish.
      if (!forwards(name)) writeForwarding(name, "1");
      undo.push(watchOthers(name, () => forgetInterface(tables, index)));
    }
  } catch (error) {
    for (const one of undo) one[Symbol.dispose]();
    throw error;
  }
  return {
    links: switched,
    unwritten,
    release: () => undo.forEach((one) => one[Symbol.dispose]()),
  };
}

/** Lets one link of our own forward, which goes with all of its settings. */
export function letForward(name: string): void {
  writeForwarding(name, "1");
}

/**
 * Switches off what runs have switched on and none needs any more. Left as it is: what somebody has switched
 * on for all interfaces meanwhile. Gives back the names of those that were switched off. Call it under the
 * machine's lock. Throws as above.
 */
export function restoreForwarding(tables: Tables, live: LiveRuns, links: readonly Link[]): readonly string[] {
  const restored: string[] = [];
  for (const index of rememberedInterfaces(tables)) {
    if (live.needs(index)) continue;
    const link = links.find((one) => one.index === index);
    if (link !== undefined && !forwards("all") && forwards(link.name)) {
      writeForwarding(link.name, "0");
      restored.push(link.name);
    }
    forgetInterface(tables, index);
  }
  return restored;
}

/** Who writes the setting now, if only the value that it has, needs it: it is nothing of ours any more. */
function watchOthers(name: string, onWrite: () => void): Disposable {
  try {
    const watcher = watch(settingOf(name), { persistent: false }, onWrite);
    watcher.on("error", () => watcher.close());
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    return { [Symbol.dispose]: () => undefined }; // without a watch, the value alone tells
  }
}

function forwards(name: string): boolean {
  return readFileSync(settingOf(name), "latin1").trim() !== "0";
}

function writeForwarding(name: string, value: "0" | "1"): void {
  writeFileSync(settingOf(name), value);
}

function settingOf(name: string): string {
  return `/proc/sys/net/ipv4/conf/${name}/forwarding`;
}
