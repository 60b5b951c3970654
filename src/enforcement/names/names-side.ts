/**
 * The reader of names beside the ruleset that hands it packets: the chains are filled, and filled again,
 * whenever they may be empty.
 */
import { openQueueChains } from "../../netfilter/io/queue-chain.ts";
import type { RulesetApplier } from "../../netfilter/io/nft.ts";
import type { FlowTuple } from "../../netfilter/wire/conntrack.ts";
import { type FlowSet, holdsFlow } from "../../policy/flow-set.ts";
import { openLiveFlows } from "../../netfilter/io/live-flows.ts";
import { keepOpen } from "../../sys/kept-open.ts";
import { createDeniedFlows, type DeniedFlows } from "./denied-flows.ts";
import { createNameLabels } from "./name-labels.ts";
import { policiesOf, type PolicyInForceCell } from "../change/policy-in-force.ts";
import type { NameRefused } from "../events.ts";
import { createGrowingCount } from "../refusals/growing-count.ts";
import { readQueueDrops } from "../../netfilter/io/queue-drops.ts";
import { tupleOf } from "./flow-keys.ts";
import type { Vault } from "../../vault/vault.ts";
import type { FindFault, FlowRules } from "../../wire-names/flow.ts";
import type { ShownName } from "../../wire-names/flow-state.ts";
import { createTellBound, TOLD_PER_SECOND } from "./tell-bound.ts";
import { findDemand } from "./app-fault.ts";
import type { JudgedFlow } from "./judged-flow.ts";
import { findAuditedFault, findNameFault, isDeniedShown, passesOddForm } from "./name-fault.ts";
import { type NameReader, openNameReader } from "./name-reader.ts";
import type { NamesPlan } from "./prepare-names.ts";

export interface NamesSide {
  /** The netlink port of its own changes of the ruleset, and how many it has made. */
  readonly port: number;
  made(): number;
  /** The same applier; once a whole ruleset is in force, what it holds for names is asked of us. */
  ask(applier: RulesetApplier): RulesetApplier;
  /** See `denied-flows.ts`. Throws SystemCallError. */
  findDenied: DeniedFlows["find"];
  /** Zeros until the first ruleset. */
  figures(): ReturnType<NameReader["figures"]> & {
    /** Packets that the kernel had no room for in the queues. */
    readonly drops: number;
  };
  /**
   * Why packets were not told since the last look; to be asked about once a second. Throws KernelError,
   * SystemCallError.
   */
  fault(): string | undefined;
  close(): void;
}

export interface NamesSideOptions {
  readonly plan: NamesPlan;
  readonly inForce: PolicyInForceCell;
  /** That of the ruleset in force. */
  readonly generation: () => number | undefined;
  readonly onRefused: (refused: NameRefused) => void;
  readonly namesOf: (address: Uint8Array) => readonly string[];
  /** What lookups have opened of the address. */
  readonly flowsOf: (address: Uint8Array) => FlowSet;
  /** Of bound hosts; undefined where nothing is intercepted. */
  readonly vault?: Pick<Vault, "inForce"> | undefined;
}

const NO_FIGURES = { packets: 0, overruns: 0, refused: {}, flows: 0, octets: 0, refusals: 0 };

/**
 * Opens it in the current network namespace; packets are read from the first ruleset on, whose marks are
 * ours. Throws SystemCallError.
 */
export function openNamesSide(options: NamesSideOptions): NamesSide {
  const { plan, generation, onRefused, namesOf } = options;
  const chains = openQueueChains(plan);
  const labels = createNameLabels();
  const flows = keepOpen(openLiveFlows);
  const drops = createGrowingCount();
  let reader: NameReader | undefined;
  const denied = createDeniedFlows({
    readVerified: (onFlow) => flows.use((opened) => opened.readVerified(onFlow)),
    takeShowing: (isDenied) => reader?.takeShowing(isDenied) ?? [],
    shownBy: ({ flow, label }) => label && labels.shownBy(label, namesOf(flow.destination)),
    // Whether its address is open is the kernel's question.
    isDenied: (policy, shown, flow) =>
      isDeniedShown(policy, shown, { ...describe(flow), isLearned: () => true }),
    isUnread: (policy, flow) => findDemand([policy], describe(flow)) === "nothing",
    end: (flow, mark) => reader?.end(flow, mark),
  });

  const bound = createTellBound(TOLD_PER_SECOND, () => performance.now());
  /** Once the verdict is out, which a connection waits for. */
  function tell(refused: NameRefused): void {
    if (!bound.admits()) return;
    const kept = { ...refused, address: Buffer.from(refused.address) };
    setImmediate(() => onRefused(kept));
  }
  const describe = (flow: FlowTuple): JudgedFlow => describeFlow(flow, options);
  function openReader(): NameReader {
    return openNameReader({
      ...plan,
      ...createFlowRules(options, describe, tell),
      generation: () => generation() ?? 0,
      labels,
      nowMs: () => performance.now(),
      onRefused: tell,
    });
  }

  return {
    port: chains.port,
    made: chains.made,
    ask: (applier) => ({
      ...applier,
      async replace(ruleset, signal) {
        const applied = await applier.replace(ruleset, signal);
        if (applied.isWhole) {
          reader ??= openReader();
          chains.fill();
        }
        return applied;
      },
    }),
    findDenied: denied.find,
    figures: () => ({
      ...(reader?.figures() ?? NO_FIGURES),
      drops: drops.take(reader === undefined ? 0 : readQueueDrops()),
    }),
    fault: () => reader?.look(),
    close() {
      reader?.close();
      chains.close();
      flows.close();
    },
  };
}

function describeFlow(
  { destination: address, destinationPort: port }: FlowTuple,
  { plan, namesOf, flowsOf }: NamesSideOptions,
): JudgedFlow {
  return {
    isStrict: plan.isStrict,
    port,
    address,
    owners: () => namesOf(address),
    isLearned: () => holdsFlow(flowsOf(address), { protocol: "tcp", port }),
  };
}

function createFlowRules(
  { inForce, vault }: Pick<NamesSideOptions, "inForce" | "vault">,
  describe: (flow: FlowTuple) => JudgedFlow,
  tell: (refused: NameRefused) => void,
): FlowRules {
  return {
    findFault: createFaultFinder({ inForce, vault }, describe, tell),
    findDemand(key) {
      const policies = policiesOf(inForce.read());
      // Most policies ask nothing of the kind.
      if (policies.every(({ scoped }) => scoped.length === 0)) return "name";
      return findDemand(policies, describe(tupleOf(key)));
    },
    passesOddForm(key, reason) {
      const policies = inForce.read();
      const flow = describe(tupleOf(key));
      const passes = passesOddForm(policies, flow);
      const { audits } = policies.active;
      if (passes && audits !== undefined && !passesOddForm({ active: audits, pending: undefined }, flow))
        tell(auditedOf(flow, { name: undefined }, reason));
      return passes;
    },
  };
}

/** What audit mode lets through is reported as that. */
function createFaultFinder(
  { inForce, vault }: Pick<NamesSideOptions, "inForce" | "vault">,
  describe: (flow: FlowTuple) => JudgedFlow,
  tell: (refused: NameRefused) => void,
): FindFault {
  return (shown, key) => {
    const policies = inForce.read();
    const flow = describe(tupleOf(key));
    const elsewhere = findElsewhere(vault, shown, flow);
    const isAudit = policies.active.audits !== undefined;
    const fault = findNameFault(policies, shown, flow) ?? (isAudit ? undefined : elsewhere);
    const audited = fault === undefined ? (findAuditedFault(policies, shown, flow) ?? elsewhere) : undefined;
    if (audited !== undefined) tell(auditedOf(flow, shown, audited));
    return fault;
  };
}

/** A connection that audit mode lets through, and why it would be refused without. */
function auditedOf(
  { address, port }: JudgedFlow,
  { name, app }: Pick<ShownName, "name" | "app">,
  reason: string,
): NameRefused {
  return { name, app, reason, address, port, isAudited: true };
}

/**
 * What goes to an address that a bound name has given is led to the interceptor, and never judged here: what
 * shows such a name here would go elsewhere unread.
 */
function findElsewhere(
  vault: Pick<Vault, "inForce"> | undefined,
  { name }: ShownName,
  { port }: JudgedFlow,
): string | undefined {
  const isBound = vault !== undefined && name !== undefined && vault.inForce().isBoundAt(name, port);
  return isBound ? "a bound name at an address that was not looked up for it" : undefined;
}
