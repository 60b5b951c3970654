import type { Admission } from "../admit.ts";
import type { VaultInForce } from "../../vault/vault-in-force.ts";
import type { BodyWriter } from "../body-writer.ts";
import type { GatedRequest } from "../gate/request.ts";

export interface Judged {
  /** As it came. */
  readonly asked: GatedRequest;
  readonly judgedBy: JudgedBy;
}

/** What may change while a request waits. */
export interface JudgedBy {
  readonly vault: VaultInForce;
  /** The rules' revision; undefined without any. */
  readonly rules: object | undefined;
}

/** One request of HTTP/1.1 and its response, as far as they have come. */
export interface Exchange extends Judged {
  readonly admission: Admission;
  /** Of the request, once its head has gone out. */
  bodyOut: BodyWriter | undefined;
  /** Of the response, once its head has come. */
  bodyBack: BodyWriter | undefined;
  /** The client has sent all of the request. */
  isRead: boolean;
  /** All of it has gone out. */
  isSent: boolean;
  /** The response that is being read is an interim one. */
  isInterim: boolean;
  /** The connections end behind the response. */
  closes: boolean;
  isAnswered: boolean;
}

export function beginExchange(admission: Admission, judged: Judged): Exchange {
  return {
    ...judged,
    admission,
    bodyOut: undefined,
    bodyBack: undefined,
    isRead: false,
    isSent: false,
    isInterim: false,
    closes: !admission.request.keepsAlive,
    isAnswered: false,
  };
}
