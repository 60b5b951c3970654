import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { appendRule, type ChainName, drop } from "../wire/expressions.ts";
import { flushChain } from "../wire/generation-rule.ts";
import { appendQueue, type QueueRuleForm } from "../wire/queue-rule.ts";
import { sendBatch } from "./send-batch.ts";

const FORMS: readonly QueueRuleForm[] = ["native", "xtables"];

/**
 * Makes a chain of family `inet` hold `queue num N` and a drop behind it, in the form that this kernel has, in one transaction. Returns the form.
 * Opened in the current network namespace. Throws KernelError where the kernel has neither, or no such chain, and SystemCallError.
 */
export function fillQueueChain(chain: ChainName, queue: number): QueueRuleForm {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    const refusals: string[] = [];
    for (const form of FORMS) {
      try {
        sendBatch(socket, (writer, next) => writeChainRules(writer, next, chain, { queue, form }));
        return form;
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        refusals.push(`${form}: ${error.code}`);
      }
    }
    throw new KernelError(
      "refused",
      "nf_tables",
      `chain ${chain.chain} takes no queue: ${refusals.join(", ")}`,
    );
  } finally {
    socket.close();
  }
}

function writeChainRules(
  writer: NetlinkWriter,
  next: () => number,
  chain: ChainName,
  queued: { readonly queue: number; readonly form: QueueRuleForm },
): void {
  flushChain(writer, next(), chain);
  appendQueue(writer, next(), chain, queued);
  appendRule(writer, next(), chain, { comment: "nobody asks", expressions: () => drop(writer) });
}
