/**
 * What becomes of a name or an address, told by the code that enforces it: the layers' tries, the resolver's
 * judge, the learned addresses, the chain's rules, the kernel's table of flows. No upstream is asked, and
 * nothing is changed; a connection is tried only on demand.
 */
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { readOwnAddresses } from "../../netfilter/io/namespace-network.ts";
import type { FirstPacket, KernelView } from "./kernel-verdict.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import { holdsHost } from "../../policy/decide-request.ts";
import type { Rule } from "../../policy/rule.ts";
import type { NameTarget, PrefixTarget } from "../../policy/target.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import { octetKey } from "../../tables/octet-key.ts";
import { type AddressView, type ExplainedAddress, explainAddress, isWorthATry } from "./explain-address.ts";
import { addressesOfName, type ExplainedName, explainName } from "./explain-name.ts";
import type { HostBinding } from "../interception/bound-hosts.ts";
import { type AskedRequest, type ExplainedRequest, explainRequest } from "./explain-request.ts";
import type { FlowFates } from "./flow-fates.ts";
import type { Tried } from "./io/try-connection.ts";

export interface ExplainRequest {
  /** A single address, if it is one. */
  readonly target: NameTarget | PrefixTarget;
  readonly port: number | undefined;
  readonly protocol: FirstPacket["protocol"];
  /** Whether a connection of our own is tried, over TCP to the port. */
  readonly isTried: boolean;
  /** One over a connection to a name; undefined where only the connection was asked for. */
  readonly request?: AskedRequest | undefined;
  /** Further addresses that the name has given, or would have. */
  readonly addresses: readonly Uint8Array[];
}

export interface Explained {
  /** Undefined for an address. */
  readonly name: ExplainedName | undefined;
  readonly addresses: readonly ExplainedAddress[];
  readonly isAudit: boolean;
  /** For a name; undefined if nothing is intercepted. */
  readonly bindings?: readonly HostBinding[] | undefined;
  readonly request?: ExplainedRequest | undefined;
  /** The first rule for requests to the name that denies, since they are not read. */
  readonly unread?: Rule | undefined;
}

export interface ExplainSources {
  /** What of the chain does not change. */
  readonly frame: Pick<KernelView, "mode" | "upstreams" | "exemptNameservers" | "doh">;
  readonly policy: () => KernelView["policy"];
  readonly layers: () => PolicyLayers;
  readonly unreadRules: () => readonly Rule[];
  readonly learned: Pick<LearnedAddresses, "list" | "find" | "flowsOf" | "isRevoked" | "namesOf">;
  readonly readNetwork: () => Pick<KernelView, "onLinkV4">;
  readonly fates: FlowFates;
  /** Undefined if nothing is intercepted. */
  readonly bindingsOf?: ((host: DomainName) => readonly HostBinding[]) | undefined;
  readonly tryConnection: (address: string, port: number) => Promise<Tried>;
}

/** Where requests are asked for without a port. */
const TLS_PORT = 443;

/** Of more addresses only their flows tell. */
const MOST_TRIED = 4;

/** Throws SystemCallError if flows cannot be listed. */
export async function explain(sources: ExplainSources, request: ExplainRequest): Promise<Explained> {
  const { learned } = sources;
  const { target, port, protocol } = request;
  const found =
    target.kind === "name"
      ? await runInSlices(addressesOfName(learned, target.name))
      : [target.prefix.octets];
  const packets = unique([...found, ...request.addresses]).map((octets) => ({ octets, port, protocol }));
  const flows = await sources.fates.count(packets);
  // From here on all is of one instant.
  const policy = sources.policy();
  const view: AddressView = {
    kernel: {
      ...sources.frame,
      policy,
      ownAddresses: readOwnAddresses(),
      onLinkV4: sources.readNetwork().onLinkV4,
      learnedFlows: learned.flowsOf,
      isRevoked: learned.isRevoked,
    },
    layers: sources.layers(),
    namesOf: learned.namesOf,
    find: learned.find,
  };
  const addresses = packets.map((packet, index) =>
    explainAddress(view, packet, flows[index] ?? { answered: 0, unanswered: 0 }),
  );
  return {
    name: target.kind === "name" ? explainName(policy, view.layers, { target, port, protocol }) : undefined,
    addresses: request.isTried ? await tryAll(addresses, port, sources) : addresses,
    isAudit: policy.audits !== undefined,
    unread:
      target.kind === "name"
        ? sources.unreadRules().find((rule) => holdsHost(rule.target, target.name))
        : undefined,
    bindings: target.kind === "name" ? sources.bindingsOf?.(target.name) : undefined,
    request:
      request.request && target.kind === "name"
        ? explainRequest(policy, target.name, port ?? TLS_PORT, request.request)
        : undefined,
  };
}

/** What the kernel refuses is not tried: it would be told of as the workload's. */
async function tryAll(
  addresses: readonly ExplainedAddress[],
  port: number | undefined,
  { tryConnection }: Pick<ExplainSources, "tryConnection">,
): Promise<readonly ExplainedAddress[]> {
  if (port === undefined) return addresses;
  const chosen = new Set(addresses.filter(isWorthATry).slice(0, MOST_TRIED));
  return Promise.all(
    addresses.map(async (one) =>
      chosen.has(one) ? { ...one, farEnd: await tryConnection(one.address, port), isTried: true } : one,
    ),
  );
}

function unique(all: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(all.map((octets) => [octetKey(octets, 0, octets.length), octets])).values()];
}
