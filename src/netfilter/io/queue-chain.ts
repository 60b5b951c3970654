/** Fills the chains that hand packets to the reader of names: nft(8) cannot write a queue on every kernel. */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { openRequestSocket, type RequestSocket } from "../../sys/netlink-socket.ts";
import { ASK_ANSWERS_CHAIN, ASK_BEGUN_CHAIN, ASK_CHAIN } from "../chains/name-chains.ts";
import { AS_AWAITED_CHAIN, AWAIT_CHAIN, AWAITED_SET, VERIFIED_CHAIN } from "../chains/awaited-answer.ts";
import { KernelError } from "../errors.ts";
import { NAMES_BEGUN_QUEUE, NAMES_QUEUE, TABLE } from "../kernel-names.ts";
import { writeAwait, writeAwaited } from "../wire/awaited-rules.ts";
import { appendRule, type ChainName, drop } from "../wire/expressions.ts";
import { flushChain } from "../wire/generation-rule.ts";
import { appendQueue, type QueueRuleForm } from "../wire/queue-rule.ts";
import { sendBatch } from "./send-batch.ts";

export const QUEUE_FORMS: readonly QueueRuleForm[] = ["native", "xtables"];

export interface QueueChains {
  /** The netlink port that its changes come from. */
  readonly port: number;
  /** Transactions that it has made. */
  made(): number;
  /**
   * Makes each chain hold `queue num N` and, but for answers, a drop behind it, in the form that this
   * kernel has, and fills those of awaited answers, in one transaction. Throws SystemCallError, and
   * KernelError if the kernel has neither form, or no such chain.
   */
  fill(): QueueRuleForm;
  /** Closes the socket; the rules stay. */
  close(): void;
}

export interface QueueChainsOptions {
  /** As in the ruleset: whether it has the chains of `awaited-answer.ts`. */
  readonly judgesAnswers: boolean;
  readonly table?: string;
}

/** Opens it in the current network namespace, and changes nothing yet. Throws SystemCallError. */
export function openQueueChains({ table = TABLE, judgesAnswers }: QueueChainsOptions): QueueChains {
  const socket = openRequestSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  let made = 0;
  let forms = QUEUE_FORMS;
  return {
    port: socket.port,
    made: () => made,
    fill() {
      const form = fillAs(socket, { table, judgesAnswers }, forms);
      forms = [form];
      made += 1;
      return form;
    },
    close: socket.close,
  };
}

/** Returns the first form that the kernel accepts. */
function fillAs(
  socket: RequestSocket,
  { table, judgesAnswers }: Required<QueueChainsOptions>,
  forms: readonly QueueRuleForm[],
): QueueRuleForm {
  const refusals: string[] = [];
  for (const form of forms) {
    try {
      sendBatch(socket, (writer, next) => {
        writeChainRules(writer, next, { table, chain: ASK_CHAIN }, { queue: NAMES_QUEUE, form });
        const begun = { table, chain: ASK_BEGUN_CHAIN };
        writeChainRules(writer, next, begun, { queue: NAMES_BEGUN_QUEUE, form });
        const answers = { table, chain: ASK_ANSWERS_CHAIN };
        flushChain(writer, next(), answers);
        appendQueue(writer, next(), answers, { queue: NAMES_QUEUE, form, bypass: true });
        if (judgesAnswers) writeAwaitedRules(writer, next, table);
      });
      return form;
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      refusals.push(`${form}: ${error.code}`);
    }
  }
  throw new KernelError("refused", "nf_tables", `no chain takes a queue: ${refusals.join(", ")}`);
}

function writeAwaitedRules(writer: NetlinkWriter, next: () => number, table: string): void {
  writeAwait(writer, next, { table, chain: AWAIT_CHAIN }, AWAITED_SET);
  const found = { set: AWAITED_SET, found: VERIFIED_CHAIN };
  writeAwaited(writer, next, { table, chain: AS_AWAITED_CHAIN }, found);
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
