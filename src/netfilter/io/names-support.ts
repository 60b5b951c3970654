/**
 * Whether this machine can hold packets for a reader of names; it tries without putting anything in force.
 */
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { NETLINK_NETFILTER, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../../netlink/writer.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { HAS_DATA } from "../chains/has-data.ts";
import { NAMES_BEGUN_QUEUE, NAMES_QUEUE } from "../kernel-names.ts";
import { CHAIN_ATTRIBUTE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWTABLE, TABLE_ATTRIBUTE } from "../wire/constants.ts";
import { LABEL_OCTETS } from "../wire/conntrack.ts";
import { appendRule, setLabel } from "../wire/expressions.ts";
import { BASE, matchPayload } from "../wire/matches.ts";
import { appendQueue } from "../wire/queue-rule.ts";
import { beginBatch, NFPROTO_INET } from "../wire/set-element.ts";
import { takesPriorities } from "./packet-queue.ts";
import { QUEUE_FORMS } from "./queue-chain.ts";
import { runTool, type Tool } from "./run-tool.ts";

const PROBE = "opensandbox_probe";
const NO_LABEL = new Uint8Array(LABEL_OCTETS);
const PLACE = { table: PROBE, chain: "probe" } as const;

export type NamesSupport =
  | { readonly isThere: true; readonly hasLabels: boolean; readonly judgesAnswers: boolean }
  | { readonly isThere: false; readonly reason: string };

/**
 * What the kernel has, asked over netlink. Throws SystemCallError, and KernelError for anything but a
 * refusal.
 *
 * All is asked at once, and each by itself only if that is refused: the kernel drops a batch in a millisecond
 * on an idle machine, in ten on a busy one.
 */
export function findNamesSupport(): NamesSupport {
  const isAllThere = QUEUE_FORMS.some(
    (form) => refusalOf(asQueue(form), asRule(matchData), asRule(setNoLabel)) === undefined,
  );
  return isAllThere ? withQueues(true) : findEach();
}

function findEach(): NamesSupport {
  const refusals = QUEUE_FORMS.map((form) => refusalOf(asQueue(form)));
  if (refusals.every((refusal) => refusal !== undefined))
    return { isThere: false, reason: `the kernel hands no packets to a queue: ${refusals.join(", ")}` };
  const noData = refusalOf(asRule(matchData));
  if (noData !== undefined)
    return { isThere: false, reason: `the kernel cannot say what a packet carries: ${noData}` };
  return withQueues(refusalOf(asRule(setNoLabel)) === undefined);
}

function withQueues(hasLabels: boolean): NamesSupport {
  try {
    const judgesAnswers = takesPriorities([NAMES_QUEUE, NAMES_BEGUN_QUEUE]);
    return { isThere: true, hasLabels, judgesAnswers };
  } catch (error) {
    return { isThere: false, reason: reasonOf(error) };
  }
}

/**
 * Why nft(8) cannot express the rules for names; undefined if it can. Starts nft(8). Throws KernelError for
 * anything but a refusal.
 */
export async function findTextRefusal(nft: Tool = ["nft"]): Promise<string | undefined> {
  const input = [`table inet ${PROBE} {\n  chain probe { ${HAS_DATA} accept; }\n}\n`];
  try {
    await runTool(nft, ["-c", "-f", "-"], { input });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof KernelError && error.code === "refused") return error.message;
  throw error;
}

/** Writes one rule. */
type Append = (writer: NetlinkWriter, sequence: number) => void;

function asQueue(form: (typeof QUEUE_FORMS)[number]): Append {
  return (writer, sequence) => appendQueue(writer, sequence, PLACE, { queue: NAMES_QUEUE, form });
}

function asRule(write: (writer: NetlinkWriter) => void): Append {
  return (writer, sequence) => appendRule(writer, sequence, PLACE, { expressions: () => write(writer) });
}

const matchData = (writer: NetlinkWriter): void => matchPayload(writer, BASE.inner, 0, Uint8Array.of(0));
const setNoLabel = (writer: NetlinkWriter): void => setLabel(writer, NO_LABEL);

const RULE_SEQUENCE = 4;

/** The kernel checks a batch without an end and drops it, as for `nft -c`. */
function refusalOf(...rules: readonly Append[]): string | undefined {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    const writer = createNetlinkWriter(1024);
    const flags = NLM_F_REQUEST | NLM_F_CREATE;
    beginBatch(writer, 1);
    const table = writer.begin(NFT_MSG_NEWTABLE, flags, 2, NFPROTO_INET, 0);
    writer.text(TABLE_ATTRIBUTE.name, PROBE);
    writer.end(table);
    const chain = writer.begin(NFT_MSG_NEWCHAIN, flags, 3, NFPROTO_INET, 0);
    writer.text(CHAIN_ATTRIBUTE.table, PLACE.table);
    writer.text(CHAIN_ATTRIBUTE.name, PLACE.chain);
    writer.end(chain);
    for (const [index, append] of rules.entries()) append(writer, RULE_SEQUENCE + index);
    writer.demand(NLM_F_ACK);
    socket.send(writer.written());
    awaitAcknowledgement(socket.receive, RULE_SEQUENCE + rules.length - 1);
    return undefined;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.code;
  } finally {
    socket.close();
  }
}
