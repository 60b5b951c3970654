/**
 * A table that sends the API's port to others, as nft(8) encodes it:
 *
 *     table inet opensandbox_api {
 *       flags owner
 *       chain prerouting { type nat hook prerouting priority -90; policy accept;
 *         fib daddr type local tcp dport PORT dnat to :OUTSIDE }
 *       chain output { type nat hook output priority -90; ... dnat to :INSIDE }
 *       chain input { type filter hook input priority -10; policy accept;
 *         iif "lo" tcp dport OUTSIDE reject with tcp reset }
 *       chain answers { type filter hook output priority -5; policy accept;
 *         tcp sport OUTSIDE meta skgid != GROUP drop; the same for INSIDE }
 *     }
 *
 * So the kernel says who calls from inside: whatever reaches OUTSIDE came in by an interface that is not
 * `lo`. And nobody answers in the API's name: what is of a process's socket has to be of the API's own. What
 * the kernel sends by itself, or for a socket that is closed, has no group and passes.
 *
 * The kernel removes a table with an owner when the socket that has made it is closed, so no redirect
 * outlives its process (Linux 5.12). Behind others' redirects, which are at -100: a mesh that takes calls for
 * its proxy has them first, as ever, and the proxy's own calls are redirected.
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import { API_TABLE } from "../kernel-names.ts";
import { appendRule } from "./expressions.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { dropForged, type Redirect, redirectTo, refuseFromInside } from "./redirect-rules.ts";
import { addChain, addTable, type BaseChain, deleteTable } from "./tables.ts";

/**
 * Writes the table anew, and removes one that an earlier process has left; `next` gives the sequence numbers.
 */
export function writeRedirectTable(
  writer: NetlinkWriter,
  next: () => number,
  redirect: Redirect,
  isOwned: boolean,
): void {
  // Deleting what is not there would fail the batch.
  addTable(writer, next(), API_TABLE, "left");
  deleteTable(writer, next(), API_TABLE);
  addTable(writer, next(), API_TABLE, isOwned ? "owned" : "left");
  for (const chain of chainsOf(redirect)) {
    addChain(writer, next(), { ...chain, table: API_TABLE });
    for (const rule of chain.rules) {
      appendRule(
        writer,
        next(),
        { table: API_TABLE, chain: chain.name },
        { expressions: () => rule(writer) },
      );
    }
  }
}

interface ApiChain extends Omit<BaseChain, "table"> {
  readonly rules: readonly ((writer: NetlinkWriter) => void)[];
}

function chainsOf(redirect: Redirect): readonly ApiChain[] {
  const { outsidePort, insidePort, group } = redirect;
  const redirectIn = (hook: "prerouting" | "output", port: number): ApiChain => {
    const rules = [(writer: NetlinkWriter): void => redirectTo(writer, redirect, port)];
    return { name: hook, hook, type: "nat", priority: -90, rules };
  };
  const refuse = (writer: NetlinkWriter): void => refuseFromInside(writer, outsidePort);
  const drops =
    group === undefined
      ? []
      : [outsidePort, insidePort].map(
          (port) =>
            (writer: NetlinkWriter): void =>
              dropForged(writer, port, group),
        );
  return [
    redirectIn("prerouting", outsidePort),
    redirectIn("output", insidePort),
    { name: "input", hook: "input", type: "filter", priority: -10, rules: [refuse] },
    {
      name: "answers",
      hook: "output",
      type: "filter",
      priority: -5,
      rules: drops,
    },
  ];
}

/** Deletes the table; the kernel refuses if there is none, or if a live process owns it. */
export function deleteRedirectTable(writer: NetlinkWriter, sequence: number): void {
  deleteTable(writer, sequence, API_TABLE);
}
