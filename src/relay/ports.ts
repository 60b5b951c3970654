/** What the relay gets from others: the rules for requests, what changes messages, and the audit. */
import type { DomainName } from "../policy/domain-name.ts";
import type { Binding } from "../vault/binding.ts";
import type { VaultInForce } from "../vault/vault-in-force.ts";
import type { Field } from "./gate/field.ts";
import type { Refusal } from "./gate/refusal.ts";
import type { GatedRequest } from "./gate/request.ts";
import type { GatedResponse } from "./gate/response.ts";

/** Changes a body's octets as they pass; holds back as few as it can. */
export interface BodyChange {
  /** What goes on is as long as what came, octet for octet. */
  readonly keepsLength: boolean;
  /**
   * May return less than came, for a while. A refusal ends the exchange: its connection is cut if a part of
   * the body has gone on.
   */
  push(octets: Buffer): Buffer | Refusal;
  /** What was held back. */
  end(): Buffer | Refusal;
}

export interface ChangedRequest {
  readonly kind: "changed";
  readonly request: GatedRequest;
  /** Folded names of headers that were filled, and `:path`. */
  readonly filled: ReadonlySet<string>;
  readonly body: BodyChange | undefined;
}

export interface ChangedResponse {
  readonly response: GatedResponse;
  readonly body: BodyChange | undefined;
}

/**
 * Changes the messages of one exchange: it fills placeholders on the way out, and removes secrets on the way
 * back.
 */
export interface MessageChange {
  /** Before headers are set, so it never changes what is set. */
  request(request: GatedRequest): ChangedRequest | Refusal;
  /** Fills nothing in trailers: a refusal if one of them has a placeholder. */
  requestTrailers(trailers: readonly Field[]): Refusal | undefined;
  /** A refusal if its body cannot be read: nothing of it goes on then. Never of one without a body. */
  response(response: GatedResponse): ChangedResponse | Refusal;
  responseTrailers(trailers: readonly Field[]): readonly Field[];
  /** The octets of a WebSocket on the way back. It must keep their length. */
  upgraded(): BodyChange | undefined;
}

export interface FindChange {
  /**
   * Returns what changes the exchange's messages; `undefined` if nothing does. `binding` is the request's
   * own. What is not prepared for the host is made at once, which may take seconds.
   */
  (exchange: {
    readonly host: DomainName;
    readonly binding: Binding | undefined;
    readonly vault: VaultInForce;
  }): MessageChange | undefined;
  /**
   * Undefined if all is made that requests to the host need. Settles once it is made, other work having had
   * its turns, or once the vault has changed: ask again then.
   */
  prepare(host: DomainName, vault: VaultInForce): Promise<void> | undefined;
}

export interface RequestTold {
  readonly host: DomainName;
  readonly method: string;
}

/** Called with what became of requests. No argument holds a secret, a query, a path or a header's value. */
export interface RelayEvents {
  /** `method` is empty if the request was none. */
  refused(event: RequestTold & { readonly status: number; readonly text: string }): void;
  /** Headers were set, or placeholders may have been filled. */
  injected(
    event: RequestTold & {
      readonly binding: string;
      readonly revision: number;
      readonly headers: readonly string[];
    },
  ): void;
  /** An exchange was cut: a credential that it used is gone, or what came cannot go on. */
  cut(event: { readonly host: string; readonly text: string }): void;
}
