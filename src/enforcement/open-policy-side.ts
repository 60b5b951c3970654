/**
 * The changes of a sandbox's policy, and what follows from them: rulesets, renewal of addresses in use, the
 * end of idle denied flows.
 */
import { FIRST_HALF } from "../netfilter/flow-marks.ts";
import { openLiveFlows } from "../netfilter/io/live-flows.ts";
import { openLiveSockets } from "../netfilter/io/live-sockets.ts";
import { openSocketCutter } from "../netfilter/io/socket-cutter.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { DnsServer } from "../dns/io/server.ts";
import { readOwnAddresses } from "../netfilter/io/namespace-network.ts";
import type { Protections } from "../protections/protections.ts";
import { keepOpen } from "../sys/kept-open.ts";
import { drawFrom } from "../sys/random.ts";
import type { Endpoint } from "../sys/socket-address.ts";
import { octetsOf } from "../tables/octet-key.ts";
import {
  type ChangePolicySettings,
  createPolicyChanges,
  type PolicyChanges,
} from "./change/change-policy.ts";
import type { PolicyStorage } from "./change/io/policy-file.ts";
import type { PolicyCoupling } from "./change/policy-control.ts";
import type { PolicyInForceCell } from "./change/policy-in-force.ts";
import type { RulesetFrame } from "./change/load-policy.ts";
import { createPolicyKernel, type NftKernelOptions } from "./change/policy-kernel.ts";
import type { SandboxEvents } from "./events.ts";
import { createIdleFlows, type IdleFlows, type IdleFlowsOptions } from "./flows/idle-flows.ts";
import { type Renewal, startRenewal } from "./flows/renewal.ts";
import type { KernelSide } from "./open-kernel-side.ts";
import type { InterceptSide } from "./interception/intercept-side.ts";
import { startWatchdog } from "./keep/watchdog.ts";
import { createHealthCheck } from "./sandbox-health.ts";

export interface PolicySideOptions extends ChangePolicySettings {
  readonly storage: PolicyStorage | undefined;
  readonly audit: AuditLog;
  readonly protections: Protections;
  /** See {@link ChangePolicyPorts}. */
  readonly coupling?: PolicyCoupling | undefined;
  /** Called with failures that need no answer from the caller. */
  readonly onFault: (message: string, error: unknown) => void;
}

export interface PolicySide extends AsyncDisposable {
  readonly changes: PolicyChanges;
  readonly idleFlows: IdleFlows;
  /** From now on the ruleset is loaded again if somebody else changes it. */
  keepRuleset(): void;
  /** Where the sidecar's own marked packets may go. Settles once the kernel has been given it. */
  setOwnDestinations(all: readonly Endpoint[]): Promise<void>;
}

export interface PolicySideParts {
  readonly side: KernelSide;
  readonly server: DnsServer;
  readonly events: SandboxEvents;
  readonly interception: InterceptSide | undefined;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openPolicySide(
  options: PolicySideOptions,
  frame: RulesetFrame,
  inForce: PolicyInForceCell,
  { side, server, events, interception }: PolicySideParts,
): PolicySide {
  const stack = new AsyncDisposableStack();
  let ownDestinations: readonly Endpoint[] = [];
  const renewal = openRenewal(side, options.onFault, stack);
  const kernel = createPolicyKernel({
    ...kernelPartsOf(side, options.onFault),
    frame,
    ownDestinations: () => ownDestinations,
    bound: interception,
    catchUp: renewal.catchUp,
    onEnforced: (forgotten) => events.policyEnforced.emit({ forgotten }),
  });
  const watched = watchedOf(side, server, interception);
  const watchdog = stack.adopt(startWatchdog(watched, options.audit), (dog) => dog.close());
  const changes = createPolicyChanges(
    {
      inForce,
      kernel,
      onReplaced: (before, after) => events.policyReplaced.emit({ before, after }),
      coupling: options.coupling,
      storage: options.storage,
      audit: options.audit,
      checkHealth: createHealthCheck(
        [side.watch.faults, watchdog.faults, options.protections.missing, ...faultsOf(interception)],
        () => server,
      ),
    },
    options,
  );
  const idleFlows = createIdleFlows({
    ...idleFlowPartsOf(options, frame, side),
    policy: () => inForce.read().active,
    generation: kernel.generation,
  });
  stack.defer(() => idleFlows.close());
  followPolicy(idleFlows, events);
  /** Whole: what is to be the same may be gone. */
  function loadWhole(): Promise<string | undefined> {
    kernel.markDrifted();
    return changes.refresh();
  }
  events.networkChanged.subscribe(() => {
    if (side.network.hasChanged()) void loadWhole();
  });
  return {
    changes,
    idleFlows,
    keepRuleset: () => side.watch.begin({ markDrifted: kernel.markDrifted, load: loadWhole }),
    async setOwnDestinations(all) {
      ownDestinations = all;
      await changes.refresh();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What a sandbox's kernel side and the clock give to the kernel's port. */
function kernelPartsOf(side: KernelSide, onFault: PolicySideOptions["onFault"]): KernelParts {
  return {
    applier: side.applier,
    learned: side.learned,
    ...findDeniedOf(side, onFault),
    readNetwork: side.network.read,
    firstGeneration: drawFrom(1, FIRST_HALF),
    nowMs: () => performance.now(),
  };
}

type KernelParts = Pick<
  NftKernelOptions,
  "applier" | "learned" | "findDenied" | "readNetwork" | "firstGeneration" | "nowMs"
>;

function faultsOf(interception: InterceptSide | undefined): readonly InterceptSide["faults"][] {
  return interception === undefined ? [] : [interception.faults];
}

/** What the watchdog looks at, in the words of its reports. */
function watchedOf(
  side: KernelSide,
  server: DnsServer,
  interception: InterceptSide | undefined,
): Parameters<typeof startWatchdog>[0] {
  return {
    "changes of the rules": side.watch.fault,
    "changes of the network": side.networkWatch.fault,
    "refused connections": side.refusals.fault,
    ...(side.names === undefined ? {} : { "names of connections": side.names.fault }),
    ...(interception === undefined ? {} : { "connections to bound hosts": interception.look }),
    "clients' queries": server.watched.queries,
    "upstreams' answers": server.watched.answers,
  };
}

function idleFlowPartsOf(
  { enforcementMode, protections }: PolicySideOptions,
  { exemptNameservers, marks }: RulesetFrame,
  { learned }: KernelSide,
): Omit<IdleFlowsOptions, "policy" | "generation"> {
  return {
    openCutter: enforcementMode === "dns" ? undefined : openSocketCutter,
    learned,
    exempt: exemptNameservers.flatMap(octetsOf),
    ownMark: marks.mark,
    readOwnAddresses,
    report: (state) => protections.report("idle-flows", state),
  };
}

function followPolicy(idleFlows: IdleFlows, events: SandboxEvents): void {
  events.policyEnforced.subscribe(({ forgotten }) => {
    if (forgotten > 0) idleFlows.suspect();
  });
  events.policyReplaced.subscribe(({ before, after }) => idleFlows.changed(before, after));
}

/**
 * If the kernel lists no flows, a change goes through all the same, and that is reported: what it denies
 * stays denied to new connections.
 */
function findDeniedOf(
  { names }: KernelSide,
  onFault: PolicySideOptions["onFault"],
): Pick<NftKernelOptions, "findDenied"> {
  if (names === undefined) return {};
  const tell = (error: unknown): void => onFault("connections of denied names could not be ended", error);
  return {
    async findDenied(policy) {
      const end = await names.findDenied(policy).catch(tell);
      return async () => end?.().catch(tell);
    },
  };
}

function openRenewal(
  { learned }: KernelSide,
  onFault: PolicySideOptions["onFault"],
  undo: AsyncDisposableStack,
): Renewal {
  const liveFlows = undo.adopt(keepOpen(openLiveFlows), (flows) => flows.close());
  const liveSockets = undo.adopt(keepOpen(openLiveSockets), (sockets) => sockets.close());
  const renewal = startRenewal({
    learned,
    nowMs: () => performance.now(),
    sources: [liveFlows, liveSockets].map(
      (source) => (onDestination) => source.use((opened) => opened.read(onDestination)),
    ),
    onFault: (error) => onFault("addresses in use are not renewed before the next round", error),
  });
  undo.defer(() => renewal.stop());
  return renewal;
}
