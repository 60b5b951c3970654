/**
 * One flow: it finds out which host the flow is for. By that the flow goes to the relay, passes unread, or is
 * reset.
 *
 * Not here: what a request may say, which the relay judges.
 */
import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { renderAddress } from "../../policy/address.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import type { Destination } from "../../sys/original-destination.ts";
import { UpstreamError } from "../errors.ts";
import type {
  ConnectUpstream,
  FlowIdentity,
  FlowScheme,
  HttpProtocol,
  UpstreamTarget,
} from "../flow-identity.ts";
import type { ByAddress, RefusalKind, SettledVerdict } from "../judge-flow.ts";
import { judgeFirstOctets } from "./first-octets.ts";
import { splice } from "./splice.ts";
import type { TlsDoor } from "./tls-door.ts";
import { createConnectUpstream, type UpstreamWay } from "./upstream.ts";

/** A client's connection, with all that we know of it. Its receiver has to end it. */
export interface InterceptedConnection {
  readonly client: Socket | TLSSocket;
  readonly protocol: HttpProtocol;
  readonly flow: FlowIdentity;
  readonly connectUpstream: ConnectUpstream;
  /** To be told how many octets are kept for it, whenever that changes by much: it may be reset for that. */
  readonly keeps: (octets: number) => void;
  /** To be told why its receiver closes it, if its client wants more than one may. */
  readonly shed: (reason: string) => void;
}

/**
 * `crowded`: there are too many. `unreachable`: we could not talk to the host behind it. `handshake`: the
 * client ended the TLS handshake, as one does that does not trust our certificate.
 */
export interface RefusedFlow {
  readonly why: RefusalKind | "unreachable" | "handshake" | "crowded";
  readonly name: DomainName | undefined;
  readonly reason: string;
  /** Where the client wanted to go. */
  readonly octets: Uint8Array;
  readonly port: number;
}

export interface ServeFlowOptions {
  readonly isAllowed: (name: DomainName, destination: Destination, scheme: FlowScheme) => boolean;
  readonly isBound: (name: DomainName, scheme: FlowScheme, port: number) => boolean;
  /** Whether rules speak of requests to the name at this port. */
  readonly isRuled: (name: DomainName, destination: Destination) => boolean;
  /** Whether our resolver gave the address for the name, and that is still valid. */
  readonly wasGiven: (octets: Uint8Array, name: DomainName) => boolean;
  /**
   * The rule that lets flows to the address pass, whatever they show; missing if the kernel leads none here.
   */
  readonly byAddress?: (destination: Destination) => ByAddress | undefined;
  readonly connect: UpstreamWay["connect"];
  readonly trust: SecureContext;
  /** Settles when the connection is over. */
  readonly relay: (connection: InterceptedConnection) => Promise<void>;
  readonly onRefused: (refused: RefusedFlow) => void;
}

/** A client's connection, and where it wanted to go. */
export interface ArrivedFlow {
  readonly client: Socket;
  readonly destination: Destination;
  /** Called once the name is shown and accepted, with whether the flow passes unread. */
  readonly onName: (name: DomainName | undefined, isPassed: boolean) => void;
  /** Told how many octets are kept for it. */
  readonly keeps: (octets: number) => void;
  /** Told why it is closed for what its client does. */
  readonly shed: (reason: string) => void;
}

/** Until a flow has shown its name, or the host behind an unread one has answered. */
const PATIENCE_MS = 30_000;

/** Settles when the flow is over, or in other hands. */
export async function serveFlow(flow: ArrivedFlow, door: TlsDoor, options: ServeFlowOptions): Promise<void> {
  const { client, destination, keeps, shed } = flow;
  const verdict = await judge(flow, options);
  if (verdict.kind === "refuse") {
    refuseFlow(flow, verdict, options);
    return;
  }
  flow.onName(verdict.name, verdict.kind === "pass");
  const place = { address: renderAddress(destination.octets), port: destination.port };
  if (verdict.kind === "pass") {
    await passOn(flow, { name: verdict.name, destination: place }, options);
    return;
  }
  const identity: FlowIdentity = { name: verdict.name, scheme: verdict.scheme, destination: place };
  const connectUpstream = createConnectUpstream(identity, options);
  if (verdict.scheme === "http") {
    await options.relay({ client, protocol: "http/1.1", flow: identity, connectUpstream, keeps, shed });
    return;
  }
  const secured = await terminate(flow, identity, { door, options });
  if (secured === undefined) return;
  const protocol = secured.alpnProtocol === "h2" ? "h2" : "http/1.1";
  await options.relay({ client: secured, protocol, flow: identity, connectUpstream, keeps, shed });
}

/** Resets it and reports why. */
export function refuseFlow(
  { client, destination }: Pick<ArrivedFlow, "client" | "destination">,
  { why, name, reason }: Pick<RefusedFlow, "why" | "name" | "reason">,
  { onRefused }: Pick<ServeFlowOptions, "onRefused">,
): void {
  client.resetAndDestroy();
  onRefused({ why, name, reason, ...destination });
}

function judge(
  { client, destination, keeps }: ArrivedFlow,
  options: ServeFlowOptions,
): Promise<SettledVerdict> {
  const { byAddress } = options;
  const facts = {
    isAllowed: (name: DomainName, scheme: FlowScheme) => options.isAllowed(name, destination, scheme),
    isBound: (name: DomainName, scheme: FlowScheme) => options.isBound(name, scheme, destination.port),
    isRuled: (name: DomainName) => options.isRuled(name, destination),
    wasGiven: (name: DomainName) => options.wasGiven(destination.octets, name),
    ...(byAddress === undefined ? {} : { byAddress: () => byAddress(destination) }),
  };
  return judgeFirstOctets(client, facts, { signal: AbortSignal.timeout(PATIENCE_MS), keeps });
}

/** Undefined if there was no handshake, and then the flow is refused. */
async function terminate(
  flow: ArrivedFlow,
  { name }: FlowIdentity,
  { door, options }: { readonly door: TlsDoor; readonly options: ServeFlowOptions },
): Promise<TLSSocket | undefined> {
  try {
    return await door.receive(flow.client, name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    refuseFlow(flow, { why: "handshake", name, reason }, options);
    return undefined;
  }
}

async function passOn(flow: ArrivedFlow, target: UpstreamTarget, options: ServeFlowOptions): Promise<void> {
  const gone = new AbortController();
  flow.client.once("close", () => gone.abort(new Error("the client closed the connection")));
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(PATIENCE_MS)]);
  let host: Socket;
  try {
    host = await options.connect(target, signal);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    refuseFlow(flow, { why: "unreachable", name: target.name, reason: error.message }, options);
    return;
  }
  await splice(flow.client, host, flow.keeps);
}
