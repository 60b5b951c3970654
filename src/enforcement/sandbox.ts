/**
 * All that guards one network namespace: kernel rules, resolver, policy. It opens everything in the namespace
 * that it is called in.
 *
 * Order of the start: deny-all with the redirect into the kernel, before anything listens; then what an
 * earlier process has learned; then the resolver; then the policy. If an earlier process has left its ruleset
 * whole, that stays in force until the policy is in the kernel: established flows that it allows are not
 * disturbed.
 */
import type { LoadedFrom } from "../audit/audit-log.ts";
import { tellAll } from "../decisions/decision-event.ts";
import type { DnsServer, DnsServerStats } from "../dns/io/server.ts";
import type { LearnedFigures } from "../learned/store.ts";
import { type Protections } from "../protections/protections.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import type { Policy } from "../policy/policy.ts";
import { RequiredProtectionError } from "../protections/errors.ts";
import type { Endpoint } from "../sys/socket-address.ts";
import { readOwnAddresses } from "../netfilter/io/namespace-network.ts";
import type { SocketMark } from "../sys/socket.ts";
import type { AlwaysLayers } from "./change/always-rules.ts";
import type { PolicyChanges } from "./change/change-policy.ts";
import { createPolicyInForce } from "./change/policy-in-force.ts";
import type { RulesetFrame } from "./change/load-policy.ts";
import { drawMarks } from "./draw-marks.ts";
import { createSandboxEvents, type SandboxEvents } from "./events.ts";
import type { Explained, ExplainRequest } from "./explain/explain.ts";
import { createExplainer } from "./explain/explainer.ts";
import { type BoundSide, openBoundSide } from "./interception/bound-side.ts";
import type { InterceptSide, InterceptSideOptions } from "./interception/intercept-side.ts";
import type { InterceptionPlan } from "./interception/interception-plan.ts";
import { reportLoopbackAnswers } from "./keep/loopback-answers.ts";
import type { NamesSide } from "./names/names-side.ts";
import { type NamesPlan, type NamesSettings, openWithNames, prepareNames } from "./names/prepare-names.ts";
import { whyUnreadByMachine, whyUnreadBySettings } from "./names/why-unread.ts";
import type { KernelFigures } from "./kernel-figures.ts";
import { type KernelSide, type KernelSideOptions, openKernelSide } from "./open-kernel-side.ts";
import { createNameRefusalAudit } from "./refusals/name-refusal-audit.ts";
import { createRequestRefusalAudit } from "./refusals/request-refusal-audit.ts";
import { createRefusalAudit } from "./refusals/refusal-audit.ts";
import type { RefusalFigures } from "./refusals/watch-refusals.ts";
import { RESOLVER_PORT } from "../dns/resolver-port.ts";
import { linkPortOf } from "./open-on-free-port.ts";
import { openPolicySide, type PolicySideOptions } from "./open-policy-side.ts";
import { openResolverSide, type ResolverSideOptions } from "./open-resolver-side.ts";
import { createSeen, type Seen } from "./seen/seen-targets.ts";
import { type SeenSuggestion, createSuggestions, type SuggestOptions } from "./seen/suggest.ts";
import { type PageRequest, reportSandbox, type SandboxReport } from "./sandbox-report.ts";

/** What of the ruleset the settings say. */
type FrameOptions = Pick<
  RulesetFrame,
  "upstreamsAreSet" | "exemptNameservers" | "inboundUdp" | "api" | "doh"
>;

export interface SandboxOptions
  extends
    FrameOptions,
    NamesSettings,
    Omit<KernelSideOptions, "names" | "bound" | "interception">,
    Omit<ResolverSideOptions, "api">,
    PolicySideOptions {
  /** Undefined: nothing is intercepted. Only with connections enforced. */
  readonly interception?: InterceptionPlan | undefined;
}

export interface SandboxStats {
  /** In the upstreams' order: whether each answers. */
  readonly upstreamsAlive: readonly boolean[];
  readonly lookups: DnsServerStats;
  readonly kernel: Readonly<KernelFigures>;
  /** Addresses in force that lookups brought. */
  readonly learned: number;
  readonly learnedFigures: Readonly<LearnedFigures>;
  /** Sockets of idle flows that a change had denied. */
  readonly socketsEnded: number;
  /** Asks the kernel. Throws SystemCallError. */
  readonly connections: () => RefusalFigures;
  /** Undefined where connections are judged by their address alone. */
  readonly names: NamesSide["figures"] | undefined;
  /** Of bound hosts, see {@link InterceptSide}; undefined where no requests are read. */
  readonly requestsRefused: number | undefined;
  readonly connectionsShed: number | undefined;
  /** Rules of the user and of the operator. */
  readonly rules: number;
}

export interface Sandbox {
  readonly policy: PolicyChanges;
  /**
   * Puts the first policy into the kernel, and then takes lookups: those that came before have waited, for
   * until now every name would have been said not to exist. Throws ApplyError; and RequiredProtectionError,
   * after which everything is denied.
   */
  start(policy: Policy, always: AlwaysLayers, from: LoadedFrom): Promise<void>;
  /** For sockets of our own that lead to {@link setOwnDestinations}. Who knows it passes the policy there. */
  readonly mark: SocketMark;
  /**
   * Lets packets with our mark, and no others, to these whatever the policy says. Settles once the kernel has
   * been given them.
   */
  setOwnDestinations(all: readonly Endpoint[]): Promise<void>;
  /** Why bound hosts are not intercepted yet; none where nothing is. */
  interceptionFaults(): readonly string[];
  stats(): SandboxStats;
  /** Costs by the page that is asked for. */
  report(page: PageRequest): SandboxReport;
  /** What becomes of a name or an address. Throws SystemCallError. */
  explain(request: ExplainRequest): Promise<Explained>;
  /** A policy for what processes of the sandbox have tried. */
  suggest(options: SuggestOptions): Promise<SeenSuggestion>;
  /** Answers what is under way and closes the sockets. The kernel's rules stay. */
  close(graceMs: number): Promise<void>;
}

/** Opens it, with deny-all in force. Throws KernelError, SystemCallError. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  await using undo = new AsyncDisposableStack();
  const { protections, upstreams } = options;
  const marks = drawMarks(protections);
  const tellLoopbackAnswers = (): void => reportLoopbackAnswers(upstreams, readOwnAddresses(), protections);
  tellLoopbackAnswers();
  const events = createSandboxEvents();
  events.networkChanged.subscribe(tellLoopbackAnswers);
  const inForce = createPolicyInForce();
  const bound = options.interception && undo.adopt(openBoundSide(), (opened) => opened.close());
  const shared = { ...frameOf(options), ...expectedPorts(), marks };
  const { opened, names } = await openWithNames(prepareNames(options, protections), options, (plan) =>
    openKernelSide({ ...options, names: plan, bound }, { ...shared, names: plan }, inForce, events),
  );
  const side = undo.use(opened);
  const { audit, seen } = tellDecisions(options, events, side, () => inForce.read().active);
  const parts = { ...options, learned: side.learned, inForce, mark: marks, events };
  const interception = undo.use(await openInterception(parts, bound));
  const given = { withheld: side.withheld, learned: interception?.admission ?? side.learned };
  const server = await openResolverSide({ ...options, audit }, given, inForce, { mark: marks, events });
  let closeWithinMs = 0;
  undo.defer(() => server.close(closeWithinMs));
  const framed: RulesetFrame = { ...shared, names, ...portsOf(server) };
  const served = { ...options, appsUnserved: whyAppsAreUnserved(options, names) };
  const policySide = undo.use(
    openPolicySide(served, framed, inForce, { side, server, events, interception }),
  );
  const { changes: policy, idleFlows } = policySide;
  const told = { ...side, interception, namesPlan: names };
  const explainer = undo.adopt(createExplainer(options, policy, told, inForce.read), ({ close }) => close());
  const kept = undo.move();
  return {
    policy,
    async start(...first) {
      await startPolicy(policy, first, options);
      interception?.begin({ clearCache: server.clearCache, judgeAnew: () => void policy.refresh() });
      policySide.keepRuleset();
      server.start();
    },
    mark: marks,
    setOwnDestinations: policySide.setOwnDestinations,
    interceptionFaults: () => interception?.faults() ?? [],
    stats: () => ({
      ...statsOf(told),
      upstreamsAlive: upstreams.map((_upstream, index) => server.isUpstreamAlive(index)),
      lookups: server.stats(),
      socketsEnded: idleFlows.ended(),
      rules: policy.ruleCount(),
    }),
    report: (page) =>
      reportSandbox({ policy, guards: side.guards, learned: side.learned, server, upstreams }, page),
    explain: explainer.explain,
    suggest: createSuggestions(seen, policy),
    async close(graceMs) {
      await policy.close();
      closeWithinMs = graceMs;
      await kept.disposeAsync();
    },
  };
}

/** Why no rule may ask what connections speak; undefined: they are read. */
function whyAppsAreUnserved(
  { wireNames, enforcementMode, interception, protections }: SandboxOptions,
  names: NamesPlan | undefined,
): string | undefined {
  const isOnlyLookups = enforcementMode === "dns";
  const isProxied = interception?.isEverything === true;
  const bySettings = whyUnreadBySettings({ wireNames, isOnlyLookups, isProxied });
  if (bySettings !== undefined || names !== undefined) return bySettings;
  const reported = protections.list().find(({ name }) => name === "wire-names");
  return whyUnreadByMachine(reported?.state === "off" ? reported.reason : "for a reason that is not known");
}

/**
 * Where the resolver will listen, unless somebody has taken its port. If that holds, the first policy differs
 * little from deny-all, and needs no nft(8) of its own. Throws SystemCallError.
 */
function expectedPorts(): Pick<RulesetFrame, "resolverPort" | "linkResolverPort"> {
  const hasIpv6 = readOwnAddresses().includes("::1");
  return { resolverPort: RESOLVER_PORT, linkResolverPort: hasIpv6 ? linkPortOf(RESOLVER_PORT) : undefined };
}

function portsOf({
  listening,
}: Pick<DnsServer, "listening">): Pick<RulesetFrame, "resolverPort" | "linkResolverPort"> {
  return {
    resolverPort: listening[0]?.port ?? RESOLVER_PORT,
    linkResolverPort: listening.find(({ address }) => address === "::")?.port,
  };
}

function statsOf({
  figures,
  learned,
  refusals,
  names,
  interception,
}: KernelSide & { readonly interception: InterceptSide | undefined }): Pick<
  SandboxStats,
  "kernel" | "learned" | "learnedFigures" | "connections" | "names" | "requestsRefused" | "connectionsShed"
> {
  return {
    requestsRefused: interception?.requestsRefused(),
    connectionsShed: interception?.connectionsShed(),
    names: names?.figures,
    kernel: figures,
    learned: learned.size(),
    learnedFigures: learned.figures,
    connections: refusals.figures,
  };
}

/** The audit that remembers what has been tried, and hears of refused connections. */
function tellDecisions(
  options: Pick<SandboxOptions, "audit">,
  events: SandboxEvents,
  { learned }: Pick<KernelSide, "learned">,
  policy: () => CompiledPolicy,
): { readonly audit: SandboxOptions["audit"]; readonly seen: Seen } {
  const seen = createSeen(() => policy().audits !== undefined);
  const audit = { ...options.audit, decided: tellAll([options.audit.decided, seen.decided]) };
  const told = { audit, policy, learned, nowMs: Date.now };
  events.connectionRefused.subscribe(createRefusalAudit(told));
  events.nameRefused.subscribe(createNameRefusalAudit(told));
  events.requestRefused.subscribe(createRequestRefusalAudit(told));
  return { audit, seen };
}

/** Throws ApplyError; and RequiredProtectionError, after which everything is denied. */
async function startPolicy(
  policy: PolicyChanges,
  first: Parameters<Sandbox["start"]>,
  { isRulesetThere, protections }: SandboxOptions,
): Promise<void> {
  // On a restart the ruleset in force is an earlier process's, and what guards it is not known yet.
  if (!isRulesetThere) requireProtections(protections);
  await policy.start(...first);
  try {
    requireProtections(protections);
  } catch (error) {
    await policy.denyAll();
    throw error;
  }
}

/**
 * Undefined where nothing is intercepted, and then its modules are not loaded. Throws NetlinkError,
 * SystemCallError.
 */
async function openInterception(
  { interception: plan, ...parts }: Omit<InterceptSideOptions, "plan" | "addresses"> & SandboxOptions,
  bound: BoundSide | undefined,
): Promise<InterceptSide | undefined> {
  if (plan === undefined || bound === undefined) return undefined;
  const { openInterceptSide } = await import("./interception/intercept-side.ts");
  return openInterceptSide({ ...parts, plan, addresses: bound.addresses });
}

/** Throws RequiredProtectionError. */
function requireProtections(protections: Protections): void {
  const missing = protections.missing();
  if (missing.length > 0) throw new RequiredProtectionError(missing);
}

function frameOf(
  options: SandboxOptions,
): Omit<RulesetFrame, "resolverPort" | "linkResolverPort" | "marks" | "names"> {
  const {
    enforcementMode: mode,
    upstreams,
    upstreamsAreSet,
    exemptNameservers,
    api,
    inboundUdp,
    doh,
    interception,
  } = options;
  const intercept = interception && {
    ports: interception.ports,
    isEverything: interception.isEverything,
  };
  return { mode, upstreams, upstreamsAreSet, exemptNameservers, api, inboundUdp, doh, intercept };
}
