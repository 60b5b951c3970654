/**
 * The product's composition root: the parts of one sidecar, opened in order and closed in reverse. Obstacles
 * have been checked.
 *
 * Order: what is there, deny-all with resolver and rules, observability, the operator's rules, the first
 * policy, the API.
 */
import { namesAllowed } from "../decisions/names-allowed.ts";
import { once } from "node:events";
import type { Log } from "../audit/log.ts";
import type { Settings } from "../config.ts";
import {
  type AlwaysRulesPorts,
  type AlwaysRulesWatch,
  type RuleFiles,
  type RuleFolders,
  watchAlwaysRules,
} from "../enforcement/always/io/always-rules.ts";
import type { PolicyControl } from "../enforcement/change/policy-control.ts";
import { startWatchdog } from "../enforcement/keep/watchdog.ts";
import { openSandbox, type Sandbox } from "../enforcement/sandbox.ts";
import { openDeltaSocket } from "../netfilter/io/delta-socket.ts";
import { isApiServed } from "../netfilter/io/find-table.ts";
import { createOwnWays, type OwnWays } from "../outbound/own-ways.ts";
import { type Problem, renderProblems } from "../policy/problem.ts";
import { createProtections, type Protections, type ReportedProtection } from "../protections/protections.ts";
import type { OpenVault } from "../vault/io/open-vault.ts";
import { findTooManyElements } from "./too-many-elements.ts";
import { findUnservedApps } from "./unserved-apps.ts";
import { CLOSED_RULES, closeControl, closeSettings, closeSurroundings } from "./closed.ts";
import { SidecarThereError, StartProblemsError } from "./errors.ts";
import { keepMemorySmall } from "./keep-memory.ts";
import { loadPage } from "./load-page.ts";
import { createObservability, type Observability } from "./observability.ts";
import type { ApiSources, OpenApi } from "./open-api.ts";
import type { InterceptionParts, SidecarInterception } from "./sidecar-interception.ts";
import type { TcpState } from "./keep-tcp-api.ts";
import type { ReadySettings } from "./ready-settings.ts";
import { readSurroundings, ruleFolders, type Surroundings } from "./read-surroundings.ts";
import { toSandboxOptions } from "./sandbox-options.ts";
import type { Preparation } from "./prepare-interception.ts";
import { describeReadiness, describeVault, openSidecarVault } from "./sidecar-vault.ts";
import { VERSION } from "./version.ts";

/** How long an answer under way may take after a signal. */
export const GRACE_MS = 1000;

export interface SidecarRun {
  /** Where credentials may come from. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly stop: AbortSignal;
  /** What is wrong with the settings. */
  readonly problems: readonly Problem[];
  /** Whether any problem ends the start; else everything is denied and the API says why. */
  readonly strict: boolean;
  /** Called once it serves: from then on `stop` ends it in order. */
  readonly onReady: () => void;
}

/**
 * Runs until `stop`. Throws SidecarThereError, StartProblemsError if it is strict, and what a part throws
 * that cannot be opened; the kernel's rules stay in any case.
 */
export async function runSidecar(given: Settings, run: SidecarRun): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const { log, stop } = run;
  const onFault = (message: string, error: unknown): void => log.logger.error({ err: error }, message);
  // Our first policy may allow what that one's, since changed, denies.
  if (isApiServed()) throw new SidecarThereError();
  const preparation = await prepareInterception(given, log);
  undo.defer(() => preparation.prepared?.authority[Symbol.asyncDispose]());
  const found = await readSurroundings(given, log);
  const unserved = await findUnservedApps(given, found.first);
  const tooMany = await findTooManyElements(found.first);
  const problems = [...run.problems, ...preparation.problems, ...found.problems, ...unserved, ...tooMany];
  if (run.strict && problems.length > 0) throw new StartProblemsError(problems);
  for (const line of listProblems(problems)) log.logger.error(`everything is denied: ${line}`);
  const isClosed = problems.length > 0;
  const settings = toReadySettings(isClosed ? closeSettings(given, problems) : given, given, found);
  const surroundings = isClosed ? closeSurroundings(found) : found;
  const protections = createProtections({
    required: settings.requiredProtections,
    onChange: (protection) => logProtection(log, protection),
  });
  const deltas = openDeltaSocket();
  undo.defer(() => deltas.close());
  log.setUpstreams(settings.upstreams);
  const observability = createObservability(settings, log, protections);
  undo.defer(() => observability.close(GRACE_MS));
  const vault = openSidecarVault(run.env, observability.audit);
  undo.defer(() => vault.close());
  const { coupling } = vault;
  const { prepared } = preparation;
  const { ways, openIn } = createLateWays();
  const planned = { prepared, vault: vault.vault, log, ways };
  const interception = isClosed ? undefined : await planInterception(settings, planned);
  const parts = { surroundings, protections, deltas, observability, coupling, interception, log, onFault };
  const opening = openSandbox(toSandboxOptions(settings, parts));
  // The API's modules take some 50 ms to load, while nft(8) loads the first ruleset.
  const loadingApi = import("./open-api.ts");
  const sandbox = await opening;
  openIn(sandbox);
  undo.defer(() => sandbox.close(GRACE_MS));
  await observability.start(sandbox, { ...settings, ways, proxy: interception?.proxyFigures });
  const always = isClosed ? CLOSED_RULES : await watchRuleFiles(settings, found, sandbox, log);
  undo.defer(() => always.close());
  const { first } = surroundings;
  await sandbox.start(first.policy, always.initial, first.from);
  const { openApi } = await loadingApi;
  const control = isClosed ? closeControl(sandbox.policy, problems) : sandbox.policy;
  const api = await openApi(
    settings,
    describeApi(settings, { control, sandbox, observability, protections, always, vault, onFault }),
    (state) => logTcpState(log, settings, state),
  );
  undo.defer(() => api.close(GRACE_MS));
  undo.adopt(startWatchdog({ "callers of the API": api.fault }, log.audit), (watchdog) => watchdog.close());
  announce(settings, api, { log, protections });
  undo.defer(keepMemorySmall(() => countLookups(sandbox)));
  run.onReady();
  if (!stop.aborted) await once(stop, "abort");
  log.logger.info("stopping: the rules stay in the kernel");
}

function toReadySettings(
  settings: Settings,
  given: Settings,
  { upstreams }: Pick<Surroundings, "upstreams">,
): ReadySettings {
  return { ...settings, upstreams, upstreamsAreSet: given.upstreams !== undefined };
}

/** The ways of our own requests and connections, for who is made before the sandbox that opens them. */
function createLateWays(): { readonly ways: OwnWays; readonly openIn: (sandbox: Sandbox) => void } {
  let opened: Sandbox | undefined;
  const ways = createOwnWays(async (all) => opened?.setOwnDestinations(all));
  return {
    ways,
    openIn(sandbox) {
      opened = sandbox;
    },
  };
}

/** If nothing is intercepted, what does it is not even loaded. */
async function prepareInterception(settings: Settings, log: Log): Promise<Preparation> {
  if (!settings.intercepts) return { prepared: undefined, problems: [] };
  const module = await import("./prepare-interception.ts");
  return module.prepareInterception(settings, log);
}

async function planInterception(
  settings: ReadySettings,
  { prepared, ...parts }: Omit<InterceptionParts, "prepared"> & Pick<Preparation, "prepared">,
): Promise<SidecarInterception | undefined> {
  if (prepared === undefined || settings.mode === "dns") return undefined;
  const module = await import("./sidecar-interception.ts");
  return module.planInterception(settings, { prepared, ...parts });
}

async function watchRuleFiles(
  settings: Settings,
  { denyAlways }: Surroundings,
  sandbox: Sandbox,
  log: Log,
): Promise<AlwaysRulesWatch> {
  const folders = ruleFolders(settings);
  const ports: AlwaysRulesPorts = {
    onFiles: (files) => tellRuleFiles(log, folders, files),
    async apply(rules) {
      await sandbox.policy.setAlwaysRules(rules);
      log.setSkipList(rules.logSkip);
    },
    onProblems: (problems) => log.logger.error({ problems: listProblems(problems) }, "rule files not taken"),
  };
  // It was readable some hundred milliseconds ago, or we would not be here: what it said holds if it no
  // longer is.
  const always = await watchAlwaysRules(folders, ports, { denyAlways });
  log.setSkipList(always.initial.logSkip);
  return always;
}

/**
 * A warning where the operator has no `deny.always`: he may believe that his folder is the one in force, or
 * that none is needed.
 */
function tellRuleFiles({ logger }: Log, { folder, shipped }: RuleFolders, files: RuleFiles): void {
  logger.info({ "rule.files": files }, "rule files in force");
  const { denyAlways } = files;
  if (denyAlways === undefined) {
    logger.warn(
      `${folder} has no deny.always, and none is shipped beside the program: metadata services are not denied`,
    );
  } else if (shipped !== undefined && denyAlways.startsWith(shipped) && folder !== shipped) {
    logger.warn(`${folder} has no deny.always: the shipped one holds, ${denyAlways}`);
  }
}

interface DescribedParts {
  readonly control: PolicyControl;
  readonly sandbox: Sandbox;
  readonly observability: Observability;
  readonly protections: Protections;
  readonly always: AlwaysRulesWatch;
  readonly vault: OpenVault;
  readonly onFault: (message: string, error: unknown) => void;
}

function describeApi(
  settings: Settings,
  { control, sandbox, observability, protections, always, vault, onFault }: DescribedParts,
): ApiSources {
  return {
    control,
    onError: (error) => onFault("a request failed", error),
    renderMetrics: async () => observability.renderMetrics(await control.health()),
    suggest: (asked) =>
      sandbox.suggest({ ...asked, recentlyAllowed: namesAllowed(observability.decisions.ring) }),
    explain: sandbox.explain,
    decisions: observability.decisions,
    loadPage,
    vault: describeVault(settings, vault.control(control), describeReadiness(settings, sandbox)),
    status: {
      version: VERSION,
      sandboxId: settings.sandboxId,
      uptimeSeconds: () => process.uptime(),
      report: sandbox.report,
      ruleFiles: always.latest,
      protections: protections.list,
      counters: observability.readCounts,
    },
  };
}

function announce(
  settings: ReadySettings,
  api: OpenApi,
  { log, protections }: { readonly log: Log; readonly protections: Protections },
): void {
  const tcp = api.state();
  if (tcp.isOpen && !tcp.endsWithProcess) {
    log.logger.warn(
      "this kernel's nf_tables know no owners (Linux 5.12): should the sidecar be killed, a process of the sandbox may take its API's place until it is back",
    );
  }
  if (settings.token === undefined && !settings.allowLocalWrites) {
    log.logger.warn(
      "no OPENSANDBOX_EGRESS_TOKEN is set: anyone outside this network namespace who reaches the API may change the policy",
    );
  }
  const states = Object.fromEntries(protections.list().map(({ name, state }) => [name, state]));
  log.logger.info(
    {
      "opensandbox.event": "egress.ready",
      mode: settings.mode,
      address: settings.httpAddress,
      ...(tcp.isOpen ? { listening: tcp.listening } : {}),
      protections: states,
    },
    "egress sidecar ready",
  );
}

function logTcpState({ logger }: Log, { httpAddress }: Settings, state: TcpState): void {
  const fields = { address: httpAddress };
  if (state.isOpen) logger.info({ ...fields, listening: state.listening }, "the API takes callers over TCP");
  else
    logger.warn({ ...fields, reason: state.reason }, "the API takes nobody over TCP yet: it is tried again");
}

/** Of the workload. Each check of our health asks, too: it is refused. */
function countLookups(sandbox: Sandbox): number {
  const { denied, cacheHits, joined, forwarded } = sandbox.stats().lookups;
  return denied + cacheHits + joined + forwarded;
}

function logProtection({ logger }: Log, { name, ...protection }: ReportedProtection): void {
  const fields = { protection: name, ...protection };
  if (protection.state === "off") logger.warn(fields, "a protection is off");
  else logger.info(fields, "a protection is on again");
}

/** One line each. */
export function listProblems(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => renderProblems([problem]));
}
