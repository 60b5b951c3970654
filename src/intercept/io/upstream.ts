/**
 * The way to the host behind an intercepted flow: a connection to the client's own destination. Over https
 * the host proves in a handshake the name that the client has shown. Nothing can leave that proof out.
 *
 * Not here: whether the policy lets the connection out, which the kernel decides as for a connection of the
 * workload's. Known limit: it does not check for revoked certificates.
 */
import type { Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { UpstreamError } from "../errors.ts";
import type {
  ConnectUpstream,
  ConnectUpstreamOptions,
  FlowIdentity,
  HttpProtocol,
  UpstreamConnection,
  UpstreamTarget,
} from "../flow-identity.ts";
import { untilSecure } from "./until-secure.ts";

export interface UpstreamWay {
  /** A connection to the target's destination, or to the proxy's tunnel there. Throws UpstreamError. */
  readonly connect: (target: UpstreamTarget, signal: AbortSignal) => Promise<Socket>;
  /** Holds the roots for checking certificates. */
  readonly trust: SecureContext;
}

/** For connecting and the handshake, each. */
const LIMIT_MS = 30_000;

export function createConnectUpstream(identity: FlowIdentity, way: UpstreamWay): ConnectUpstream {
  return async (options) => {
    const given = options.signal === undefined ? [] : [options.signal];
    const signal = AbortSignal.any([AbortSignal.timeout(LIMIT_MS), ...given]);
    const socket = await way.connect(identity, signal);
    socket.setNoDelay(true);
    if (identity.scheme === "http") return { socket, protocol: "http/1.1" };
    return secure(socket, identity, { options, signal, trust: way.trust });
  };
}

interface SecureOptions {
  readonly options: ConnectUpstreamOptions;
  readonly signal: AbortSignal;
  readonly trust: SecureContext;
}

/** Throws UpstreamError; the connection is closed by then. */
async function secure(
  socket: Socket,
  { name }: FlowIdentity,
  { options, signal, trust }: SecureOptions,
): Promise<UpstreamConnection> {
  const tls = connectTls({
    socket,
    servername: name,
    secureContext: trust,
    rejectUnauthorized: true,
    ALPNProtocols: [...options.protocols],
  });
  try {
    await untilSecure(tls, signal);
  } catch (cause) {
    tls.destroy();
    socket.destroy();
    throw toUpstreamError(tls, name, cause);
  }
  return { socket: tls, protocol: protocolOf(tls) };
}

/** Offered by us, so it is one of them; without ALPN it is HTTP/1.1. */
function protocolOf({ alpnProtocol }: TLSSocket): HttpProtocol {
  return alpnProtocol === "h2" ? "h2" : "http/1.1";
}

/** Node records why it does not accept a certificate, and ends the connection. */
function toUpstreamError(tls: TLSSocket, name: string, cause: unknown): UpstreamError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const refused: unknown = tls.authorizationError;
  if (refused !== undefined && refused !== null) {
    return new UpstreamError("certificate", `the host could not prove to be ${name}: ${said}`, { cause });
  }
  return new UpstreamError("handshake", `no TLS handshake with ${name}: ${said}`, { cause });
}
