import type { SecureContext } from "node:tls";
import type { FlowBounds } from "../../intercept/flow-bounds.ts";
import type { FindLeaf } from "../../intercept/io/tls-door.ts";
import type { InterceptedConnection } from "../../intercept/io/serve-flow.ts";
import type { UpstreamWay } from "../../intercept/io/upstream.ts";
import type { SocketMark } from "../../sys/socket.ts";
import type { Vault } from "../../vault/vault.ts";
import type { RequestRules } from "../../intercept/request-rules.ts";

/** What an interception is made of, beside the sandbox itself. */
export interface InterceptionPlan {
  /** Of TCP. */
  readonly ports: readonly number[];
  /** All TCP is led here, on every port, and nothing else leaves: an upstream proxy carries it. */
  readonly isEverything: boolean;
  readonly vault: Vault;
  readonly findLeaf: FindLeaf;
  /** What hosts' certificates are checked against. */
  readonly trust: SecureContext;
  /** The way to hosts, by sockets that have this mark; it may ask for the sandbox's own addresses. */
  readonly createConnect: (
    mark: SocketMark,
    ownAddresses: () => ReadonlySet<string>,
  ) => UpstreamWay["connect"];
  /** Settles when the connection is over. */
  readonly relay: (connection: InterceptedConnection, rules: RequestRules) => Promise<void>;
  /**
   * Hears of a flow that is allowed and came to nothing: the host cannot be reached, or the client has ended
   * the handshake.
   */
  readonly onUnserved: (host: string, reason: string) => void;
  /** How many flows there may be, and how much memory they may take. */
  readonly bounds: FlowBounds;
  /** Hears of a flow that was closed; `octets`: what it took of the memory; `reason` follows on "for". */
  readonly onShed: (host: string, octets: number, reason: string) => void;
  /** Why clients can not trust us yet; undefined once they can. */
  readonly lacks: () => string | undefined;
}
