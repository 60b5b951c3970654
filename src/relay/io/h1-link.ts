import type { MessageReader } from "../gate/message-reader.ts";
import type { Refusal } from "../gate/refusal.ts";
import type { GatedRequest } from "../gate/request.ts";
import { writeAnswer } from "../gate/write-head.ts";
import { endGently } from "./end-gently.ts";
import type { Exchange } from "./exchange.ts";
import type { Half } from "./half.ts";
import type { RelayOptions } from "./options.ts";

/** A client's connection, the origin's once it is open, and the exchange under way. */
export interface H1Link {
  readonly options: RelayOptions;
  readonly client: Half;
  readonly fromClient: MessageReader;
  readonly fromOrigin: MessageReader;
  /** Aborted when the link is over. */
  readonly abort: AbortController;
  origin: Half | undefined;
  exchange: Exchange | undefined;
  /** Exchanges that have ended. */
  answered: number;
  isUpgraded: boolean;
  /** Reads what the client has sent, once requests can be admitted. */
  readonly readRequests: () => void;
  /** From now on nothing counts that comes. */
  isOver: boolean;
}

/**
 * Answers in the origin's place and ends both connections. If a part of a response is out already, it cuts
 * them.
 */
export function answer(link: H1Link, refusal: Refusal, request: GatedRequest | undefined): undefined {
  const { options, client, exchange } = link;
  if (link.isOver) return;
  const { status, text } = refusal;
  // The owner of the rules reports what a rule has refused.
  if (refusal.rule === undefined)
    options.tell.refused({ host: options.flow.name, method: request?.method ?? "", status, text });
  if (exchange?.bodyBack !== undefined) {
    cut(link);
    return;
  }
  client.text(writeAnswer(refusal, request?.method === "HEAD"));
  finish(link);
}

/** Too late for an answer: a part of the exchange is out. */
export function cutAndTell(link: H1Link, text: string): undefined {
  if (link.isOver) return;
  link.options.tell.cut({ host: link.options.flow.name, text });
  cut(link);
}

export function cut(link: H1Link): void {
  link.isOver = true;
  link.abort.abort();
  link.client.socket.destroy();
  link.origin?.socket.destroy();
}

/** What was written to the client arrives; then everything ends. */
export function finish(link: H1Link): void {
  link.isOver = true;
  link.abort.abort();
  link.client.flush();
  endGently(link.client.socket);
  link.origin?.socket.destroy();
}

/** Continues with the next request if the exchange has ended. */
export function settle(link: H1Link): void {
  const { exchange } = link;
  if (exchange?.isAnswered !== true || link.isOver) return;
  // An origin that does not read the rest would take it for the next request.
  if (exchange.closes || !exchange.isSent) return finish(link);
  link.exchange = undefined;
  link.answered++;
  link.client.resume("kept-enough");
  link.readRequests();
}
