/**
 * What a run knows besides the sidecar's log, and by which its report can explain: the policy, /etc/hosts,
 * the search list, the upstreams.
 */
import { parseAddress, renderAddress } from "../../../policy/address.ts";
import { compilePolicy } from "../../../policy/compile.ts";
import { decideName, decideNameFlow } from "../../../policy/decide-name.ts";
import { isDomainName } from "../../../policy/domain-name.ts";
import type { FlowKind } from "../../../policy/flow-set.ts";
import type { Policy } from "../../../policy/policy.ts";
import type { Flow } from "./sighting.ts";
import { readSearchList, type SearchList } from "./search-list.ts";

export interface Surroundings {
  readonly searchList: SearchList;
  /** The resolvers that the sidecar asks. */
  readonly upstreams: readonly string[];
  /** Whether a rule allows the names below this one. */
  hasWildcardBelow(name: string): boolean;
  allowsName(name: string): boolean;
  /** Whether a rule for the name, or the default action, lets such a flow pass to its addresses. */
  opensFlow(name: string, flow: Flow): boolean;
  /** The names that /etc/hosts gives this address for. */
  namesInHosts(address: string): readonly string[];
}

/** `hosts` and `resolvConf`: the texts of the files, empty if there is none. */
export function readSurroundings(given: {
  readonly policy: Policy;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly upstreams: readonly string[];
}): Surroundings {
  const compiled = compilePolicy({ denyAlways: [], allowAlways: [], user: given.policy });
  const wildcards = new Set(
    given.policy.egress.flatMap(({ action, target }) =>
      action === "allow" && target.kind === "wildcard" ? [target.base as string] : [],
    ),
  );
  const hosts = readHosts(given.hosts);
  return {
    searchList: readSearchList(given.resolvConf),
    upstreams: given.upstreams,
    hasWildcardBelow: (name) => wildcards.has(name),
    allowsName: (name) => isDomainName(name) && decideName(compiled, name).action === "allow",
    opensFlow: (name, flow) =>
      isDomainName(name) && decideNameFlow(compiled, name, kindOf(flow)).action === "allow",
    namesInHosts: (address) => hosts.get(address) ?? [],
  };
}

function kindOf({ transport = "", port = 0 }: Flow): FlowKind {
  if (transport === "tcp" || transport === "udp") return { protocol: transport, port };
  return { protocol: transport.startsWith("icmp") ? "icmp" : "other", port: 0 };
}

const NAMES_SHOWN = 3;

function readHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = (line.split("#", 1)[0] ?? "").split(/\s+/).filter(Boolean);
    const parsed = parseAddress(address);
    if (!parsed.ok) continue;
    const key = renderAddress(parsed.value.octets);
    found.set(key, [...(found.get(key) ?? []), ...names].slice(0, NAMES_SHOWN));
  }
  return found;
}
