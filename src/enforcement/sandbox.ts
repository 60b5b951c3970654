/**
 * All that guards one network namespace: kernel rules, resolver, policy. It opens everything in the namespace that it is called in.
 *
 * Order of the start: deny-all with the redirect into the kernel, before anything listens; then what an earlier process has learned;
 * then the resolver; then the policy. Where an earlier process has left its ruleset whole, that stays in force until
 * the policy is in the kernel: established flows that it allows are not disturbed.
 */
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { AuditLog, LoadedFrom } from "../audit/audit-log.ts";
import { openDnsServer, type DnsServer, type DnsServerStats } from "../dns/io/server.ts";
import type { BoundSettings } from "../dns/bounds/lookup-bounds.ts";
import type { AddressAdmission, UpstreamProbes } from "../dns/ports.ts";
import { openSocketCutter } from "../netfilter/io/socket-cutter.ts";
import { openLearnedSet } from "../netfilter/io/learned-set.ts";
import { openLiveFlows } from "../netfilter/io/live-flows.ts";
import { readNetwork } from "../netfilter/io/namespace-network.ts";
import { watchNetwork } from "../netfilter/io/network-watch.ts";
import type { RulesetApplier } from "../netfilter/io/nft.ts";
import { type Protections, RequiredProtectionError } from "../protections/protections.ts";
import type { Policy } from "../policy/policy.ts";
import { keepOpen } from "../sys/kept-open.ts";
import type { Endpoint } from "../sys/socket-address.ts";
import type { SocketMark } from "../sys/socket.ts";
import {
  createPolicyChanges,
  type AlwaysLayers,
  type ChangePolicySettings,
  type PolicyChanges,
} from "./change/change-policy.ts";
import { countRulesets, createKernelFigures, type KernelFigures } from "./kernel-figures.ts";
import { closeEverything } from "./close-everything.ts";
import { drawMarks } from "./draw-marks.ts";
import { holdQueues, type HoldQueuesOptions } from "./keep/hold-queues.ts";
import { createIdleFlows } from "./flows/idle-flows.ts";
import { watchInterfaceGuards } from "./keep/interface-guards.ts";
import type { LearnedFigures } from "../learned/store.ts";
import { takeOverLearned } from "./take-over-learned.ts";
import { openOnFreePort, RESOLVER_PORT } from "./open-on-free-port.ts";
import { readOwnAddresses, reportLoopbackAnswers } from "./keep/loopback-answers.ts";
import { createLookupAudit } from "./lookups/lookup-audit.ts";
import { createNetworkMemory } from "./keep/network-memory.ts";
import { createPolicyKernel, type RulesetFrame } from "./change/policy-kernel.ts";
import { octetsOf } from "../tables/octet-key.ts";
import type { PolicyStorage } from "./change/policy-file.ts";
import { createPolicyJudge } from "./lookups/policy-judge.ts";
import { type PageRequest, reportSandbox, type SandboxReport } from "./sandbox-report.ts";
import { createHealthCheck } from "./sandbox-health.ts";
import { openRulesetWatch } from "./keep/ruleset-watch.ts";
import { startRenewal } from "./flows/renewal.ts";
import { createWithheldAddresses } from "../learned/withheld.ts";

/** In which nft(8) is started, of the 20 ms and more that it then takes. */
const HEAD_START_MS = 4;

/** In mode `dns` the kernel judges no address, so it need not be told of any. */
const NO_ADMISSION: AddressAdmission = { learn: () => undefined, commit: () => true, epoch: () => 0 };

export interface SandboxOptions extends ChangePolicySettings, HoldQueuesOptions {
  readonly upstreams: readonly Endpoint[];
  readonly timeoutMs: number;
  readonly bounds: BoundSettings;
  readonly allowPrivateAnswers: boolean;
  readonly exemptNameservers: readonly string[];
  readonly inboundUdp: boolean;
  /** Where callers find the API. */
  readonly api: RulesetFrame["api"];
  /** How long a learned address stays after the last flow that used it. */
  readonly graceSeconds: number;
  readonly probes: UpstreamProbes;
  readonly doh: readonly string[] | undefined;
  readonly applier: RulesetApplier;
  /** Netlink ports that its small changes come from. */
  readonly deltaPorts: readonly number[];
  /** Whether an earlier process has left a whole ruleset of ours. */
  readonly isRulesetThere: boolean;
  readonly storage: PolicyStorage | undefined;
  readonly audit: AuditLog;
  /** Hears how long the upstreams took for each lookup, on the lookup's way. */
  readonly recordDuration: (durationMs: number) => void;
  /** Hears of failures that have an answer of their own already. */
  readonly onFault: (message: string, error: unknown) => void;
}

export interface SandboxStats {
  readonly lookups: DnsServerStats;
  readonly kernel: Readonly<KernelFigures>;
  /** Addresses in force that lookups brought. */
  readonly learned: number;
  readonly learnedFigures: Readonly<LearnedFigures>;
  /** Sockets of idle flows that a change had denied. */
  readonly socketsEnded: number;
  /** Rules of the user and of the operator. */
  readonly rules: number;
}

export interface Sandbox {
  readonly policy: PolicyChanges;
  /**
   * Puts the first policy into the kernel, and then takes lookups: those that came before have waited, for until now every name would
   * have been said not to exist. Throws ApplyError; and RequiredProtectionError, after which everything
   * is denied.
   */
  start(policy: Policy, always: AlwaysLayers, from: LoadedFrom): Promise<void>;
  /** For sockets of our own that lead to {@link setOwnDestinations}. Who knows it passes the policy there. */
  readonly mark: SocketMark;
  /** Lets packets with our mark, and no others, to these whatever the policy says. Settles once the kernel has been given them. */
  setOwnDestinations(all: readonly Endpoint[]): Promise<void>;
  stats(): SandboxStats;
  /** Costs by the page that is asked for. */
  report(page: PageRequest): SandboxReport;
  /** Answers what is under way and closes the sockets. The kernel's rules stay. */
  close(graceMs: number): Promise<void>;
}

/** Opens it, with deny-all in force. Throws KernelError, SystemCallError. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  await using undo = new AsyncDisposableStack();
  const marks = drawMarks(options.protections);
  reportLoopbackAnswers(options.upstreams, readOwnAddresses(), options.protections);
  let resolverPort = RESOLVER_PORT;
  const frame: RulesetFrame = {
    mode: options.enforcementMode,
    upstreams: options.upstreams,
    exemptNameservers: options.exemptNameservers,
    get resolverPort() {
      return resolverPort;
    },
    api: options.api,
    inboundUdp: options.inboundUdp,
    doh: options.doh,
    marks,
  };
  const figures = createKernelFigures();
  const learnedSet = undo.adopt(openLearnedSet(), (set) => set.close());
  const watch = openRulesetWatch({
    ownPorts: [learnedSet.port, ...options.deltaPorts],
    figures,
    audit: options.audit,
    load() {
      kernel.markDrifted();
      return policy.refresh();
    },
  });
  undo.defer(() => watch.close());
  const guards = watchInterfaceGuards(
    countRulesets(watch.watch(options.applier), figures),
    options.protections,
  );
  const { applier } = guards;
  // The queues while nft(8) is at work.
  const headStartMs = options.isRulesetThere ? 0 : HEAD_START_MS;
  const [queues] = await Promise.all([
    delay(headStartMs).then(() => holdQueues(options)),
    ...(options.isRulesetThere ? [] : [closeEverything(frame, applier)]),
  ]);
  undo.defer(() => queues.close());
  const withheld = createWithheldAddresses(options.upstreams.flatMap(({ address }) => octetsOf(address)));
  const learned = await takeOverLearned({
    set: learnedSet,
    figures,
    withheld,
    graceSeconds: options.graceSeconds,
    policy: () => policy.inForce().active,
    onFault: options.onFault,
  });
  let ownDestinations: readonly Endpoint[] = [];
  const dns: { server?: DnsServer } = {};
  const networkWatch = watchNetwork(() => {
    queues.look();
    if (!network.hasChanged()) return;
    // Whole: what is to be the same may be gone.
    kernel.markDrifted();
    void policy.refresh();
  });
  undo.defer(() => networkWatch.close());
  const network = createNetworkMemory({
    readNetwork,
    hasNews: networkWatch.hasNews,
    onRead(read) {
      // Cached answers may give one of the new ones.
      if (withheld.replace(read.withheld.flatMap(octetsOf))) dns.server?.clearCache();
    },
  });
  const kernel = createPolicyKernel({
    frame,
    ownDestinations: () => ownDestinations,
    applier,
    learned,
    catchUp: () => renewal.catchUp(),
    readNetwork: network.read,
    onEnforced(forgotten) {
      dns.server?.clearCache();
      if (forgotten > 0) idleFlows.suspect();
    },
    firstGeneration: randomInt(1, 2 ** 30),
    nowMs: () => performance.now(),
  });
  const policy = createPolicyChanges(
    {
      kernel,
      onReplaced: (before, after) => idleFlows.changed(before, after),
      storage: options.storage,
      audit: options.audit,
      checkHealth: createHealthCheck([watch.faults, options.protections.missing], () => dns.server),
    },
    options,
  );
  const idleFlows = createIdleFlows({
    openCutter: options.enforcementMode === "dns" ? undefined : openSocketCutter,
    learned,
    policy: () => policy.inForce().active,
    generation: kernel.generation,
    exempt: options.exemptNameservers.flatMap(octetsOf),
    report: (state) => options.protections.report("idle-flows", state),
  });
  undo.defer(() => idleFlows.close());
  const server = await openOnFreePort(options, (port) => {
    // The rulesets from now on redirect to it.
    resolverPort = port;
    return openDnsServer({
      listen: ["127.0.0.1", "::1"].map((address) => ({ address, port })),
      upstreams: options.upstreams,
      mark: marks,
      timeoutMs: options.timeoutMs,
      bounds: options.bounds,
      policy: createPolicyJudge({
        inForce: policy.inForce,
        allowPrivate: options.allowPrivateAnswers,
        withheld,
      }),
      admission: options.enforcementMode === "dns" ? NO_ADMISSION : learned,
      observer: createLookupAudit(options.audit, options.recordDuration),
      probes: options.probes,
    });
  });
  dns.server = server;
  const liveFlows = undo.adopt(keepOpen(openLiveFlows), (flows) => flows.close());
  const renewal = startRenewal({
    learned,
    nowMs: () => performance.now(),
    readFlows: (onDestination) => liveFlows.use((flows) => flows.read(onDestination)),
    onFault: (error) =>
      options.onFault("flows could not be listed, so addresses in use are not renewed", error),
  });
  undo.defer(() => renewal.stop());
  const kept = undo.move();
  return {
    policy,
    async start(...first) {
      // On a restart the ruleset in force is an earlier process's, and what guards it is not known yet.
      if (!options.isRulesetThere) requireProtections(options.protections);
      await policy.start(...first);
      try {
        requireProtections(options.protections);
      } catch (error) {
        await policy.denyAll();
        throw error;
      }
      watch.begin();
      server.start();
    },
    mark: marks,
    async setOwnDestinations(all) {
      ownDestinations = all;
      await policy.refresh();
    },
    stats: () => ({
      lookups: server.stats(),
      kernel: figures,
      learned: learned.size(),
      learnedFigures: learned.figures,
      socketsEnded: idleFlows.ended(),
      rules: policy.ruleCount(),
    }),
    report: (page) => reportSandbox({ policy, guards, learned, server, upstreams: options.upstreams }, page),
    async close(graceMs) {
      await policy.close();
      await server.close(graceMs);
      await kept.disposeAsync();
    },
  };
}

/** Throws RequiredProtectionError. */
function requireProtections(protections: Protections): void {
  const missing = protections.missing();
  if (missing.length > 0) throw new RequiredProtectionError(missing);
}
