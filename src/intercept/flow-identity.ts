/**
 * What we know of an intercepted flow, and its way to the host behind it. The reader of the flow's requests
 * gets both, and refuses (421) a request that names another host.
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
   * The port that the client has connected to. A Host may name the port; it must, unless the port is the
   * scheme's own.
   */
  readonly destination: Endpoint;
}

/** Where a connection is to lead: the flow's own destination, by its name if it has shown a valid one. */
export interface UpstreamTarget {
  readonly name: DomainName | undefined;
  readonly destination: Endpoint;
}

export interface UpstreamConnection {
  /** Over https a `TLSSocket` whose certificate is valid for the name. The caller has to end it. */
  readonly socket: Socket;
  readonly protocol: HttpProtocol;
}

export interface ConnectUpstreamOptions {
  /** The offered protocols, the preferred one first. A host without ALPN speaks HTTP/1.1. */
  readonly protocols: readonly HttpProtocol[];
  /** Gives the connection up. */
  readonly signal?: AbortSignal;
}

/**
 * Opens one more connection to the flow's own destination, as the policy in force allows. Throws
 * UpstreamError, whose `code` says what to answer: only a ClientHello has been sent by then.
 */
export type ConnectUpstream = (options: ConnectUpstreamOptions) => Promise<UpstreamConnection>;
