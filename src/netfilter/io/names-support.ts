/** Whether this machine can hold packets for a reader of names, tried with nothing put in force. */
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { NETLINK_NETFILTER, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { HAS_DATA } from "../chains/name-chains.ts";
import { NAMES_BEGUN_QUEUE, NAMES_QUEUE } from "../kernel-names.ts";
import { CHAIN_ATTRIBUTE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWTABLE, TABLE_ATTRIBUTE } from "../wire/constants.ts";
import { appendQueue } from "../wire/queue-rule.ts";
import { beginBatch, NFPROTO_INET } from "../wire/set-element.ts";
import { openPacketQueues } from "./packet-queue.ts";
import { QUEUE_FORMS } from "./queue-chain.ts";
import { runTool, type Tool } from "./run-tool.ts";

const PROBE = "opensandbox_probe";

/** Why it cannot, or undefined. About as long as nft(8) needs to start. Throws SystemCallError, and KernelError for what is no refusal. */
export async function findNamesLack(nft: Tool = ["nft"]): Promise<string | undefined> {
  const refusals = QUEUE_FORMS.map((form) => refusalOfQueue(form));
  if (refusals.every((refusal) => refusal !== undefined))
    return `the kernel hands no packets to a queue: ${QUEUE_FORMS.map((form, index) => `${form}: ${refusals[index]}`).join(", ")}`;
  try {
    openPacketQueues({ queues: [NAMES_QUEUE, NAMES_BEGUN_QUEUE], onPacket: () => undefined }).close();
    await runTool(nft, ["-c", "-f", "-"], {
      input: [`table inet ${PROBE} {\n  chain probe { ${HAS_DATA} accept; }\n}\n`],
    });
    return undefined;
  } catch (error) {
    if (error instanceof KernelError && error.code === "refused") return error.message;
    throw error;
  }
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
