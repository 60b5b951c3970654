/**
 * What an intercepted flow is known to be, and its way to the host behind it. Whoever reads the flow's
 * requests is given both, and refuses (421) a request that names another host.
 */
import type { Socket } from "node:net";
import type { DomainName } from "../policy/domain-name.ts";
import type { Endpoint } from "../sys/socket-address.ts";

export type FlowScheme = "http" | "https";
/** As ALPN names them (RFC 7301). */
export type HttpProtocol = "h2" | "http/1.1";

export interface FlowIdentity {
  /**
   * Our resolver gave the client the address for this name, and the client has shown it: as SNI, or as Host
   * of its first request over http.
   */
  readonly name: DomainName;
  readonly scheme: FlowScheme;
  /**
   * Where the client has connected to. A Host may say the port; one that is not the scheme's own must be
   * said.
   */
  readonly destination: Endpoint;
}

/** Where a connection is to lead: the flow's own destination, by the name if it has shown one that holds. */
export interface UpstreamTarget {
  readonly name: DomainName | undefined;
  readonly destination: Endpoint;
}

export interface UpstreamConnection {
  /** Over https a `TLSSocket` whose certificate is valid for the name. Whoever asked for it has to end it. */
  readonly socket: Socket;
  readonly protocol: HttpProtocol;
}

export interface ConnectUpstreamOptions {
  /** What is offered, the preferred first. A host that knows no ALPN speaks HTTP/1.1. */
  readonly protocols: readonly HttpProtocol[];
  /** Gives the connection up. */
  readonly signal?: AbortSignal;
}

/**
 * Opens one more connection to the flow's own destination, as the policy in force allows. Throws
 * UpstreamError, whose `code` says what to answer: nothing has been sent by then but a ClientHello.
 */
export type ConnectUpstream = (options: ConnectUpstreamOptions) => Promise<UpstreamConnection>;
