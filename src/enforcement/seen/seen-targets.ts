/**
 * What processes of the sandbox have tried: names and, without one, addresses; whatever the policy has said
 * to it. What can't be allowed is left out. Outside of audit mode allowed lookups are not kept here, since a
 * name that is new costs as much as a tenth of a lookup: the last decisions have them.
 */
import type { DecisionEvent, DecisionSubscriber } from "../../decisions/decision-event.ts";
import { isSpecialAddress } from "../../dns/answer/special-address.ts";
import { Rcode, RrType } from "../../dns/wire/constants.ts";
import { renderAddress } from "../../policy/address.ts";
import { type DomainName, isDomainName } from "../../policy/domain-name.ts";
import { flowKindOf } from "../../policy/flow-set.ts";
import type { SeenTargets } from "../../policy/suggest.ts";
import { createSeenFlows } from "./seen-flows.ts";
import { createSeenSet } from "./seen-set.ts";

export interface SeenCounts {
  readonly names: number;
  readonly addresses: number;
  /** Names and addresses that had to go for others. */
  readonly cut: number;
}

export interface Seen {
  readonly decided: DecisionSubscriber;
  targets(): SeenTargets;
  counts(): SeenCounts;
}

const NAMES_BOUND = 4096;
const ADDRESSES_BOUND = 1024;
const DNS_OVER_TLS = 853;

export function createSeen(isAudit: () => boolean): Seen {
  const names = createSeenSet<DomainName>(NAMES_BOUND);
  const addresses = createSeenSet<string>(ADDRESSES_BOUND);
  const flows = createSeenFlows();

  function lookedUp(event: DecisionEvent): void {
    const { qname, decision } = event;
    if (decision === "allowed" && !isAudit()) return;
    if (qname === undefined || names.knows(qname)) return;
    if (isOfUse(event) && !qname.endsWith(".invalid")) names.add(qname);
  }
  function connected(event: DecisionEvent): void {
    const { name, owners = [], protocol, port = 0, forEachAddress } = event;
    // A rule of the kernel's own refuses it under every policy.
    if (port === DNS_OVER_TLS) return;
    // Audit mode does not tell what else goes to the address of the name, such as SSH, which shows none.
    const isPartly = event.decision === "audited" && event.reason === "shown-name";
    const host = name !== undefined && isDomainName(name) ? name : undefined;
    if (host !== undefined) names.add(host);
    // Nobody knows which of the names the connection was for. Those without rules of their own open it whole.
    const others = event.decision === "audited" ? owners.slice(1).filter(isDomainName) : [];
    forEachAddress((octets, at, length) => {
      const flow = flowKindOf(length, protocol, port);
      for (const other of others) flows.add(other, flow, true);
      if (host !== undefined) return flows.add(host, flow, isPartly);
      if (isSpecialAddress(octets, at, length)) return undefined;
      const address = renderAddress(octets.subarray(at, at + length));
      addresses.add(address);
      return flows.add(address, flow);
    });
  }
  return {
    decided(event) {
      if (event.kind === "lookup") lookedUp(event);
      else connected(event);
    },
    targets: () => ({
      names: names.list(),
      addresses: addresses.list(),
      flowsOf: flows.flowsOf,
      isPartly: flows.isPartly,
    }),
    counts: () => ({
      names: names.size(),
      addresses: addresses.size(),
      cut: names.shed() + addresses.shed(),
    }),
  };
}

/** A name that does not exist needs no rule: programs try names that search lists make. */
function isOfUse(event: DecisionEvent): boolean {
  const { decision, reason, qtype, rcode } = event;
  if (reason === "own-answer" || decision === "nxdomain" || decision === "nodata") return false;
  if (decision !== "audited") return true;
  if (rcode === Rcode.nxDomain) return false;
  return rcode !== Rcode.noError || (qtype !== RrType.a && qtype !== RrType.aaaa) || hasAddress(event);
}

function hasAddress(event: DecisionEvent): boolean {
  let isThere = false;
  event.forEachAddress(() => {
    isThere = true;
  });
  return isThere;
}
