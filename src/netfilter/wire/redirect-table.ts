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
 * So the kernel says who calls from inside: whatever reaches OUTSIDE came in by an interface that is not `lo`. And nobody answers in the
 * API's name: what is of a process's socket has to be of the API's own. What the kernel sends by itself, or for a socket that is closed, has no
 * group and passes.
 *
 * The kernel removes a table with an owner when the socket that has made it is closed, so no redirect outlives its process (Linux 5.12).
 * Behind others' redirects, which are at -100: a mesh that takes calls for its proxy has them first, as ever, and the proxy's own calls
 * are redirected.
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import {
  NFT_MSG_NEWTABLE,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  TABLE_ATTRIBUTE,
  CHAIN_ATTRIBUTE,
  TABLE_OWNER,
  NF_ACCEPT,
} from "./constants.ts";
import { API_TABLE } from "../kernel-names.ts";
import { appendRule, nested } from "./expressions.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { dropForged, type Redirect, redirectTo, refuseFromInside } from "./redirect-rules.ts";
import { NFPROTO_INET } from "./set-element.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "../../netlink/constants.ts";

const HOOK = { number: 1, priority: 2 } as const;
const HOOKS = { prerouting: 0, input: 1, output: 3 } as const;

/** Writes the table anew, one left by an earlier process taken away; `next` gives the sequence numbers. */
export function writeRedirectTable(
  writer: NetlinkWriter,
  next: () => number,
  redirect: Redirect,
  isOwned: boolean,
): void {
  // Deleting what is not there would fail the batch.
  writeTable(writer, NFT_MSG_NEWTABLE, next(), 0);
  writeTable(writer, NFT_MSG_DELTABLE, next(), undefined);
  writeTable(writer, NFT_MSG_NEWTABLE, next(), isOwned ? TABLE_OWNER : 0);
  for (const chain of chainsOf(redirect)) {
    writeChain(writer, next(), chain);
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

interface ApiChain {
  readonly name: string;
  readonly hook: keyof typeof HOOKS;
  readonly type: "nat" | "filter";
  readonly priority: number;
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

/** Deletes the table; the kernel refuses it where there is none, or where a live process owns it. */
export function deleteRedirectTable(writer: NetlinkWriter, sequence: number): void {
  writeTable(writer, NFT_MSG_DELTABLE, sequence, undefined);
}

function writeTable(writer: NetlinkWriter, type: number, sequence: number, flags: number | undefined): void {
  const create = type === NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0;
  const message = writer.begin(type, NLM_F_REQUEST | NLM_F_ACK | create, sequence, NFPROTO_INET, 0);
  writer.text(TABLE_ATTRIBUTE.name, API_TABLE);
  if (flags !== undefined) writer.number32(TABLE_ATTRIBUTE.flags, flags);
  writer.end(message);
}

function writeChain(writer: NetlinkWriter, sequence: number, { name, hook, type, priority }: ApiChain): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  const message = writer.begin(NFT_MSG_NEWCHAIN, flags, sequence, NFPROTO_INET, 0);
  writer.text(CHAIN_ATTRIBUTE.table, API_TABLE);
  writer.text(CHAIN_ATTRIBUTE.name, name);
  nested(writer, CHAIN_ATTRIBUTE.hook, () => {
    writer.number32(HOOK.number, HOOKS[hook]);
    writer.number32(HOOK.priority, priority);
  });
  writer.number32(CHAIN_ATTRIBUTE.policy, NF_ACCEPT);
  writer.text(CHAIN_ATTRIBUTE.type, type);
  writer.end(message);
}
