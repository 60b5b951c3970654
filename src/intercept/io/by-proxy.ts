/**
 * The way to hosts by an upstream proxy: a connection to the proxy, over TLS if its URL says so, and CONNECT
 * with the flow's name and port. There is no other way: nobody reaches what the proxy does not lead to.
 *
 * Its name is asked of our own upstreams, on our own sockets, and the kernel lets only these sockets go to
 * its addresses. Each flow has a connection of its own, for CONNECT takes all of it.
 */
import { isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { createHostResolver } from "../../outbound/host-resolver.ts";
import { createUpstreamAsker } from "../../outbound/io/ask-upstreams.ts";
import { connectToAny } from "../../outbound/io/connect.ts";
import type { OwnWays } from "../../outbound/own-ways.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { SocketMark } from "../../sys/socket.ts";
import { ProxyRefusedError, UpstreamError } from "../errors.ts";
import type { UpstreamTarget } from "../flow-identity.ts";
import { authorityOf, describeRefusal, type UpstreamProxy, wantsCredentials } from "../upstream-proxy.ts";
import { openTunnel, reasonOf } from "./open-tunnel.ts";
import { untilSecure } from "./until-secure.ts";
import type { UpstreamWay } from "./upstream.ts";

/**
 * `opened`: it leads to the host. `refused`: it answers that it does not. `failed`: it was not reached, did
 * not accept our credentials, or did not answer like a proxy.
 */
export type ProxyOutcome = "opened" | "refused" | "failed";

export interface ByProxyOptions {
  readonly proxy: UpstreamProxy;
  /** The roots for checking the certificate of a proxy over TLS. */
  readonly trust: SecureContext;
  /** Resolvers to ask for its name. */
  readonly upstreams: readonly Endpoint[];
  readonly mark: SocketMark;
  readonly ways: OwnWays;
  /** Of the sandbox, as they are now. Throws SystemCallError. */
  readonly ownAddresses: () => ReadonlySet<string>;
  /** Called after each try; `reason` names no secret. */
  readonly onOutcome: (outcome: ProxyOutcome, reason: string) => void;
}

/** Throws OutboundError `bad-host` for a name that nobody can ask for. */
export function connectByProxy(options: ByProxyOptions): UpstreamWay["connect"] {
  const { proxy, mark, ways, onOutcome } = options;
  const host = createHostResolver(proxy.host, createUpstreamAsker(options.upstreams, mark));

  async function reach(signal: AbortSignal): Promise<Socket> {
    const found = await host.resolve();
    // A listener in the sandbox would get our credentials.
    const own = options.ownAddresses();
    const addresses = found.filter((address) => !own.has(address));
    if (addresses.length === 0) throw new Error(`${proxy.host} leads into the sandbox itself`);
    const endpoints = addresses.map((address) => ({ address, port: proxy.port }));
    await ways.open(endpoints);
    const socket = await connectToAny(endpoints, mark, [signal]);
    return proxy.isSecure ? secure(socket, options, signal) : socket;
  }

  return async (target, signal) => {
    try {
      const socket = await unlessAborted(reach(signal), signal);
      await openTunnel(socket, target, { proxy, signal });
      onOutcome("opened", "");
      return socket;
    } catch (cause) {
      const error = toUpstreamError(cause, target);
      if (!isGivenUp(signal)) onOutcome(outcomeOf(cause), error.message);
      throw error;
    }
  };
}

/** The client has gone: that says nothing of the proxy. */
function isGivenUp({ aborted, reason }: AbortSignal): boolean {
  return aborted && !(reason instanceof Error && reason.name === "TimeoutError");
}

/** A proxy that does not accept our credentials leads nowhere. */
function outcomeOf(cause: unknown): ProxyOutcome {
  return cause instanceof ProxyRefusedError && !wantsCredentials(cause.status) ? "refused" : "failed";
}

function toUpstreamError(cause: unknown, target: UpstreamTarget): UpstreamError {
  if (cause instanceof ProxyRefusedError) {
    return new UpstreamError("proxy", describeRefusal(cause.status, target), { cause });
  }
  const said = cause instanceof Error ? cause.message : String(cause);
  return new UpstreamError("proxy", `the upstream proxy does not lead to ${authorityOf(target)}: ${said}`, {
    cause,
  });
}

/** A connection that comes too late is closed. */
async function unlessAborted(connecting: Promise<Socket>, signal: AbortSignal): Promise<Socket> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(reasonOf(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([connecting, promise]);
  } catch (error) {
    connecting.then(
      (late) => late.destroy(),
      () => undefined, // it has failed by itself, or for the same reason
    );
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function secure(
  socket: Socket,
  { proxy, trust }: ByProxyOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const tls = connectTls({
    socket,
    host: proxy.host,
    // A certificate for an address has that address in it; only names are sent ahead (RFC 6066 section 3).
    ...(isIP(proxy.host) === 0 ? { servername: proxy.host } : {}),
    secureContext: trust,
    rejectUnauthorized: true,
    ALPNProtocols: ["http/1.1"],
  });
  try {
    await untilSecure(tls, signal);
    return tls;
  } catch (cause) {
    tls.destroy();
    socket.destroy();
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`no TLS handshake with it: ${said}`, { cause });
  }
}
