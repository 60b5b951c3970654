/**
 * The kernel's side of a sandbox: the table with its watch, the queues of the interfaces, the namespace's
 * network, the learned addresses. When it is open, nothing gets out that an earlier process has not allowed.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { AuditLog } from "../audit/audit-log.ts";
import { createLearnedAddresses, type LearnedAddresses } from "../learned/learned-addresses.ts";
import { createWithheldAddresses, type WithheldAddresses } from "../learned/withheld.ts";
import type { LearnedSet } from "../netfilter/learned-set.ts";
import { type InterfaceDoor, openInterfaceDoor } from "../netfilter/io/interface-door.ts";
import { openLearnedSet } from "../netfilter/io/learned-set.ts";
import { readNetwork } from "../netfilter/io/namespace-network.ts";
import { type NetworkWatch, watchNetwork } from "../netfilter/io/network-watch.ts";
import type { RulesetApplier } from "../netfilter/io/nft.ts";
import { decideName } from "../policy/decide-name.ts";
import { usesScopes } from "../netfilter/chains/scoped-rules.ts";
import { bothOf, flowsToLearn } from "../policy/flows-to-learn.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import type { DomainName } from "../policy/domain-name.ts";
import { runInSlices } from "../sys/in-slices.ts";
import { drawSeed } from "../sys/random.ts";
import { octetsOf } from "../tables/octet-key.ts";
import type { SandboxCapacity } from "./capacity.ts";
import type { RulesetFrame } from "./change/load-policy.ts";
import type { PolicyInForceCell } from "./change/policy-in-force.ts";
import { closeEverything } from "./close-everything.ts";
import type { SandboxEvents } from "./events.ts";
import { closeNewInterfaces } from "./keep/close-new-interfaces.ts";
import { type HoldQueuesOptions, holdQueues } from "./keep/hold-queues.ts";
import { type InterfaceGuards, watchInterfaceGuards } from "./keep/interface-guards.ts";
import { createNetworkMemory, type NetworkMemory } from "./keep/network-memory.ts";
import { openRulesetWatch, type RulesetWatch } from "./keep/ruleset-watch.ts";
import { type NamesSide, type NamesSideOptions, openNamesSide } from "./names/names-side.ts";
import type { BoundSide } from "./interception/bound-side.ts";
import type { InterceptionPlan } from "./interception/interception-plan.ts";
import type { NamesPlan } from "./names/prepare-names.ts";
import { type RefusalWatch, watchRefusals } from "./refusals/watch-refusals.ts";
import { countLearned, countRulesets, createKernelFigures, type KernelFigures } from "./kernel-figures.ts";

/** nft(8) needs about 4 ms to start, out of 20 ms in all. */
const HEAD_START_MS = 4;

export interface KernelSideOptions extends HoldQueuesOptions {
  readonly applier: RulesetApplier;
  /** Netlink ports that its small changes come from. */
  readonly deltaPorts: readonly number[];
  /** Whether an earlier process has left a whole ruleset of ours. */
  readonly isRulesetThere: boolean;
  readonly capacity: SandboxCapacity;
  /** How long a learned address stays after the last flow that used it. */
  readonly graceSeconds: number;
  readonly audit: AuditLog;
  /** Undefined: connections are judged by their address alone. */
  readonly names: NamesPlan | undefined;
  /** Who else changes our tables, and how often he has. */
  readonly bound?: Pick<BoundSide, "port" | "made"> | undefined;
  /** What is bound; undefined where nothing is intercepted. */
  readonly interception?: Pick<InterceptionPlan, "vault"> | undefined;
}

export interface KernelSide extends AsyncDisposable {
  /** Watched and counted: what it loads is known to be ours. */
  readonly applier: RulesetApplier;
  readonly figures: KernelFigures;
  readonly watch: RulesetWatch;
  readonly guards: InterfaceGuards;
  readonly network: NetworkMemory;
  readonly networkWatch: Pick<NetworkWatch, "fault">;
  readonly withheld: WithheldAddresses;
  readonly learned: LearnedAddresses;
  readonly refusals: RefusalWatch;
  readonly names: NamesSide | undefined;
}

/** Opens it in the current network namespace. Throws KernelError, SystemCallError, LearnedSetError. */
export async function openKernelSide(
  options: KernelSideOptions,
  frame: RulesetFrame,
  inForce: PolicyInForceCell,
  events: SandboxEvents,
): Promise<KernelSide> {
  await using undo = new AsyncDisposableStack();
  const figures = createKernelFigures();
  const set = undo.adopt(openLearnedSet(), (opened) => opened.close());
  const door = undo.adopt(openInterfaceDoor(), (opened) => opened.close());
  const names = openNames(options.names, inForce, events, {
    vault: options.interception?.vault,
    generation: () => guards.generation(),
    namesOf: (address) => learned.namesOf(address),
    flowsOf: (address) => learned.flowsOf(address),
  });
  undo.defer(() => names?.close());
  const makers = [door, names, options.bound].filter((maker) => maker !== undefined);
  const watch = openRulesetWatch({
    ownPorts: [set.port, ...makers.map(({ port }) => port), ...options.deltaPorts],
    ownTransactions: () => makers.reduce((sum, { made }) => sum + made(), 0),
    figures,
    audit: options.audit,
  });
  undo.defer(() => watch.close());
  const guards = openGuards(options, { figures, watch, names, door });
  // The queues are taken while nft(8) is at work.
  const [queues] = await Promise.all([
    delay(options.isRulesetThere ? 0 : HEAD_START_MS).then(() => holdQueues(options)),
    ...(options.isRulesetThere ? [] : [closeEverything(frame, guards.applier)]),
  ]);
  undo.defer(() => queues.close());
  events.networkChanged.subscribe(() => queues.look());
  const withheld = createWithheldAddresses(
    frame.upstreams.flatMap(({ address }) => octetsOf(address)),
    drawSeed,
  );
  const learned = await takeOverLearned(options, set, figures, { withheld, inForce });
  const refusals = watchRefusals(frame.mode, { learned, events, audit: options.audit });
  undo.defer(() => refusals.close());
  const networkWatch = watchNetwork(() => events.networkChanged.emit(), {
    // A process that takes a new interface's queue learns of it as early as we do.
    onFirst: () => queues.look(),
  });
  undo.defer(() => networkWatch.close());
  const network = openNetworkMemory(networkWatch, withheld, events);
  const kept = undo.move();
  return {
    applier: guards.applier,
    figures,
    watch,
    guards,
    network,
    networkWatch,
    withheld,
    learned,
    refusals,
    names,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function openNetworkMemory(
  { hasNews }: Pick<NetworkWatch, "hasNews">,
  withheld: WithheldAddresses,
  events: SandboxEvents,
): NetworkMemory {
  return createNetworkMemory({
    readNetwork,
    hasNews,
    onRead(read) {
      if (withheld.replace(read.withheld.flatMap(octetsOf))) events.addressesWithheld.emit();
    },
  });
}

/**
 * Each ruleset is counted, known to be ours, asked about names, and guards the interfaces that it is the
 * first to know.
 */
function openGuards(
  { applier, onFault, protections }: KernelSideOptions,
  parts: Pick<KernelSide, "figures" | "watch" | "names"> & { readonly door: InterfaceDoor },
): InterfaceGuards {
  const watched = countRulesets(parts.watch.watch(applier), parts.figures);
  const asked = parts.names?.ask(watched) ?? watched;
  return watchInterfaceGuards(closeNewInterfaces(asked, parts.door, onFault), protections);
}

function openNames(
  plan: NamesPlan | undefined,
  inForce: PolicyInForceCell,
  events: SandboxEvents,
  later: Pick<NamesSideOptions, "vault" | "generation" | "namesOf" | "flowsOf">,
): NamesSide | undefined {
  if (plan === undefined) return undefined;
  return openNamesSide({ plan, inForce, onRefused: events.nameRefused.emit, ...later });
}

/**
 * With what the kernel's sets hold already. 100,000 addresses take half a second and more of the kernel's
 * time. Throws LearnedSetError.
 */
async function takeOverLearned(
  { graceSeconds, capacity, onFault }: KernelSideOptions,
  set: LearnedSet,
  figures: KernelFigures,
  { withheld, inForce }: { readonly withheld: WithheldAddresses; readonly inForce: PolicyInForceCell },
): Promise<LearnedAddresses> {
  const learned = createLearnedAddresses({
    set: countLearned(set, figures),
    nowMs: () => performance.now(),
    drawSeed,
    capacity: capacity.learnedAddresses,
    graceSeconds,
    withheld,
    wildcardOf: (qname) => wildcardOf(inForce.read().active, qname),
    flowsToLearn(qname) {
      const { active, pending } = inForce.read();
      if (!usesScopes(active) && (pending === undefined || !usesScopes(pending))) return undefined;
      const flows = flowsToLearn(active, qname);
      return pending === undefined ? flows : bothOf(flows, flowsToLearn(pending, qname));
    },
    onRefused: (error) => onFault("the kernel refused learned addresses", error),
  });
  await runInSlices(learned.takeOver());
  return learned;
}

/** The base of the wildcard that decides the name. */
function wildcardOf(policy: CompiledPolicy, qname: DomainName): DomainName | undefined {
  const target = decideName(policy, qname).rule?.target;
  return target?.kind === "wildcard" ? target.base : undefined;
}
