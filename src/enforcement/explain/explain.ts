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
import type { SpokenApp } from "../../policy/app.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import { findAskingMatch } from "../../policy/explain-matches.ts";
import { type NameTarget, parseTarget, type PrefixTarget, type Target } from "../../policy/target.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import { octetKey } from "../../tables/octet-key.ts";
import { type AddressView, type ExplainedAddress, explainAddress, isWorthATry } from "./explain-address.ts";
import { addressesOfName, type ExplainedName, explainName } from "./explain-name.ts";
import type { HostBinding } from "../interception/bound-hosts.ts";
import { type AskedRequest, type ExplainedRequest, explainRequest } from "./explain-request.ts";
import {
  EVERY_SPOKEN,
  type ExplainedSpoken,
  explainSpoken,
  placeOf,
  placeOfName,
  type SpokenView,
} from "./explain-spoken.ts";
import type { FlowFates } from "./flow-fates.ts";
import type { Tried } from "./io/try-connection.ts";

export interface ExplainRequest {
  /** A single address, if it is one. */
  readonly target: NameTarget | PrefixTarget;
  readonly port: number | undefined;
  readonly protocol: FirstPacket["protocol"];
  /** What a connection over TCP to the port speaks; undefined: that is not asked for. */
  readonly app?: SpokenApp | undefined;
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
  /** Whether what shows no name is refused where names are judged. */
  readonly isStrict: boolean;
  /** For a name; undefined if nothing is intercepted. */
  readonly bindings?: readonly HostBinding[] | undefined;
  readonly request?: ExplainedRequest | undefined;
  /** Of what was asked for; without that, where rules ask what is spoken at the port, of all. */
  readonly spoken?: readonly ExplainedSpoken[] | undefined;
  /** The first rule for the target that asks what is spoken, at the port if one was asked for. */
  readonly asking?: Rule | undefined;
  /** The first rule for requests to the name that denies, since they are not read. */
  readonly unread?: Rule | undefined;
}

export interface ExplainSources {
  /** What of the chain does not change. */
  readonly frame: Pick<KernelView, "mode" | "upstreams" | "exemptNameservers" | "doh">;
  readonly policy: () => KernelView["policy"];
  readonly layers: () => PolicyLayers;
  readonly unreadRules: () => readonly Rule[];
  readonly names: SpokenView["names"];
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
  const { target, port, protocol, app } = request;
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
    names: sources.names,
    namesOf: learned.namesOf,
    find: learned.find,
  };
  const addresses = packets.map((packet, index) =>
    explainAddress(view, packet, flows[index] ?? { answered: 0, unanswered: 0 }, app),
  );
  const isName = target.kind === "name";
  const name = isName ? explainName(policy, view.layers, { target, port, protocol, app }) : undefined;
  const bindings = isName ? sources.bindingsOf?.(target.name) : undefined;
  return {
    name,
    ...explainApps(view, request, { name, addresses, packets, bindings, names: sources.names }),
    addresses: request.isTried ? await tryAll(addresses, port, sources) : addresses,
    isAudit: policy.audits !== undefined,
    isStrict: sources.names?.isStrict === true,
    unread: isName ? sources.unreadRules().find((rule) => holdsHost(rule.target, target.name)) : undefined,
    bindings,
    request:
      request.request && isName
        ? explainRequest(policy, target.name, port ?? TLS_PORT, request.request)
        : undefined,
  };
}

interface AppParts extends Pick<Explained, "name" | "addresses" | "bindings"> {
  readonly packets: readonly FirstPacket[];
  readonly names: SpokenView["names"];
}

/** What it speaks, if that was asked for or may decide. */
function explainApps(
  view: AddressView,
  { target, port, protocol, app }: ExplainRequest,
  { name, addresses, packets, bindings = [], names }: AppParts,
): Pick<Explained, "spoken" | "asking"> {
  if (protocol !== "tcp") return {};
  const { policy } = view.kernel;
  const flow = port === undefined ? undefined : ({ protocol, port } as const);
  const targets = [target, ...addresses.flatMap((one) => [one.address, ...one.names].flatMap(targetOf))];
  const [asking] = targets.flatMap((one) => findAskingMatch(withoutAudit(policy), one, flow) ?? []);
  if (port === undefined || (app === undefined && asking === undefined)) return { asking };
  const places = packets.flatMap(({ octets }, index) => {
    const explained = addresses[index];
    return explained === undefined ? [] : [placeOf(view, octets, port, explained)];
  });
  if (name?.flow !== undefined && places.length === 0)
    places.push(placeOfName(name.name, name.flow.decision));
  const isBound = bindings.some(({ ports }) => ports.some((one) => one === port));
  const spokenView = { policy, port, names, name: name?.name, isBound };
  const asked = app === undefined ? EVERY_SPOKEN : [app];
  return { asking, spoken: asked.map((one) => explainSpoken(spokenView, places, one)) };
}

function targetOf(text: string): readonly Target[] {
  const parsed = parseTarget(text);
  return parsed.ok ? [parsed.value] : [];
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
