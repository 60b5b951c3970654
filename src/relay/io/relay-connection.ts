import type { HttpProtocol } from "../../intercept/flow-identity.ts";
import { relayHttp1 } from "./h1-relay.ts";
import { relayHttp2 } from "./h2-relay.ts";
import type { RelayOptions } from "./options.ts";

export interface RelayedConnection extends RelayOptions {
  /** What the client speaks. */
  readonly protocol: HttpProtocol;
}

/**
 * Passes on a client's requests to the host of its flow, with what the vault binds to them, until its
 * connection is over. The gate and `admit` decide what passes and what is refused.
 */
export function relayConnection({ protocol, ...options }: RelayedConnection): Promise<void> {
  // An event of a stream does not wait until what went before it is acknowledged (RFC 9293 section 3.7.4).
  options.client.setNoDelay(true);
  return protocol === "h2" ? relayHttp2(options) : relayHttp1(options);
}
