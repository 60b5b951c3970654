/** Whether this machine can hold packets for a reader of names, tried with nothing put in force. */
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { NETLINK_NETFILTER, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { HAS_DATA, SETS_LABEL } from "../chains/name-chains.ts";
import { NAMES_BEGUN_QUEUE, NAMES_QUEUE } from "../kernel-names.ts";
import { CHAIN_ATTRIBUTE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWTABLE, TABLE_ATTRIBUTE } from "../wire/constants.ts";
import { appendQueue } from "../wire/queue-rule.ts";
import { beginBatch, NFPROTO_INET } from "../wire/set-element.ts";
import { openPacketQueues } from "./packet-queue.ts";
import { QUEUE_FORMS } from "./queue-chain.ts";
import { runTool, type Tool } from "./run-tool.ts";

const PROBE = "opensandbox_probe";

export type NamesSupport =
  | { readonly isThere: true; readonly hasLabels: boolean }
  | { readonly isThere: false; readonly reason: string };

/**
 * Takes about as long as nft(8) needs to start twice. Throws SystemCallError, and KernelError for what is no
 * refusal.
 */
export async function findNamesSupport(nft: Tool = ["nft"]): Promise<NamesSupport> {
  const refusals = QUEUE_FORMS.map((form) => refusalOfQueue(form));
  if (refusals.every((refusal) => refusal !== undefined))
    return { isThere: false, reason: `the kernel hands no packets to a queue: ${refusals.join(", ")}` };
  try {
    openPacketQueues({ queues: [NAMES_QUEUE, NAMES_BEGUN_QUEUE], onPacket: () => undefined }).close();
  } catch (error) {
    return { isThere: false, reason: reasonOf(error) };
  }
  const [reason, noLabels] = await Promise.all([
    refusalOf(nft, `${HAS_DATA} accept`),
    refusalOf(nft, SETS_LABEL),
  ]);
  return reason === undefined
    ? { isThere: true, hasLabels: noLabels === undefined }
    : { isThere: false, reason };
}

async function refusalOf(nft: Tool, statements: string): Promise<string | undefined> {
  const input = [`table inet ${PROBE} {\n  chain probe { ${statements}; }\n}\n`];
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

/** A batch without an end is checked and comes to nothing, as `nft -c` has it. */
function refusalOfQueue(form: (typeof QUEUE_FORMS)[number]): string | undefined {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    const writer = createNetlinkWriter(1024);
    const flags = NLM_F_REQUEST | NLM_F_CREATE;
    beginBatch(writer, 1);
    const table = writer.begin(NFT_MSG_NEWTABLE, flags, 2, NFPROTO_INET, 0);
    writer.text(TABLE_ATTRIBUTE.name, PROBE);
    writer.end(table);
    const chain = writer.begin(NFT_MSG_NEWCHAIN, flags, 3, NFPROTO_INET, 0);
    writer.text(CHAIN_ATTRIBUTE.table, PROBE);
    writer.text(CHAIN_ATTRIBUTE.name, "probe");
    writer.end(chain);
    appendQueue(writer, 4, { table: PROBE, chain: "probe" }, { queue: NAMES_QUEUE, form });
    writer.demand(NLM_F_ACK);
    socket.send(writer.written());
    awaitAcknowledgement(socket.receive, 4);
    return undefined;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.code;
  } finally {
    socket.close();
  }
}
